internal import BlobCore

/// Writes presigned URLs that differ in one number.
struct PartURLTemplate {
    /// As many digits as the largest `UInt32` has.
    private static let digitCountMax = 10

    private let start: [UInt8]
    /// What follows the number, up to the signature.
    private let end: [UInt8]
    /// Room for the digits of the number, then the end of the canonical request. The digits go
    /// right before it, so that both are hashed as one run of bytes.
    private var request: [UInt8]
    /// The URL of the last number. The next one of as many digits is written over it.
    private var url: [UInt8] = []
    private var urlDigitCount = 0

    init(start: String, queryEnd: String, requestEnd: String) {
        self.start = Array(start.utf8)
        end = Array("\(queryEnd)&X-Amz-Signature=".utf8)
        request = [UInt8](repeating: 0, count: Self.digitCountMax) + Array(requestEnd.utf8)
    }

    /// The URL with `number`. `state` has hashed the canonical request up to the number.
    mutating func url(
        of number: UInt32, _ state: inout SigningState
    ) throws(BlobError) -> String {
        let firstDigit = writeDigits(of: number)
        let digitCount = Self.digitCountMax - firstDigit
        if digitCount != urlDigitCount { layOutURL(digitCount: digitCount) }
        for index in 0..<digitCount { url[start.count + index] = request[firstDigit + index] }
        try state.sign(
            request, from: firstDigit, into: &url,
            at: url.count - SigningState.signatureByteCount)
        return String(decoding: url, as: UTF8.self)
    }

    private mutating func layOutURL(digitCount: Int) {
        urlDigitCount = digitCount
        url.removeAll(keepingCapacity: true)
        url += start
        url += repeatElement(0, count: digitCount)
        url += end
        url += repeatElement(0, count: SigningState.signatureByteCount)
    }

    /// Returns where the first digit is.
    private mutating func writeDigits(of number: UInt32) -> Int {
        var rest = number
        var position = Self.digitCountMax
        repeat {
            position -= 1
            request[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        return position
    }
}
