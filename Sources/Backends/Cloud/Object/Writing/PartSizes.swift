internal import BlobCore

/// How large the parts of a blob are, so that as many as the service takes are enough.
struct PartSizes: Sendable {
    /// Every so many parts the size doubles when the length of the blob is not known.
    private static let doublingPartCount = 1000

    private let baseByteCount: UInt64
    private let maximumByteCount: UInt64
    private let grows: Bool

    /// - Parameter memoryByteCount: The memory there is, for parts that are held in it: each is held
    ///   whole, and not counted whole when it is larger than all there is to lend. No less than
    ///   `preferredByteCount`.
    /// - Throws: `tooLarge` for more than the service can store, or than parts that fit into the
    ///   memory make up.
    init(
        byteCount: UInt64?, preferredByteCount: Int, limits: Capabilities.Limits,
        memoryByteCount: Int? = nil
    ) throws(BlobError) {
        let preferred = UInt64(preferredByteCount)
        let memory = memoryByteCount.map { UInt64($0) } ?? .max
        maximumByteCount = min(limits.maximumPartByteCount, 1 << 31, memory)
        guard let byteCount else {
            baseByteCount = preferred
            grows = true
            return
        }
        let maximumPartCount = UInt64(limits.maximumPartCount)
        let mebibyte: UInt64 = 1 << 20
        let least = byteCount / maximumPartCount + (byteCount % maximumPartCount == 0 ? 0 : 1)
        // Some services want all parts but the last to be of one size.
        let rounded = (least / mebibyte + (least % mebibyte == 0 ? 0 : 1)) * mebibyte
        guard byteCount <= limits.maximumBlobByteCount, rounded <= limits.maximumPartByteCount
        else {
            throw BlobError(.tooLarge, "\(byteCount) bytes are more than the service can store")
        }
        guard rounded <= memory else {
            let largest = memory / mebibyte * mebibyte * maximumPartCount
            throw BlobError(
                .tooLarge,
                "\(byteCount) bytes do not fit into parts that fit into memory; at most"
                    + " \(ByteCount.text(largest)) do. Set memoryBudgetBytes to at least"
                    + " \(rounded * 2), or upload in parts of your own")
        }
        baseByteCount = max(preferred, rounded)
        grows = false
    }

    /// The size of the part with this number, which counts from one.
    func byteCount(ofPart number: Int) -> Int {
        guard grows else { return Int(clamping: baseByteCount) }
        let doublings = min(9, max(0, number - 1) / Self.doublingPartCount)
        return Int(clamping: min(baseByteCount << UInt64(doublings), maximumByteCount))
    }
}
