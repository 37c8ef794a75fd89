/// Numbers and bytes as lower-case hexadecimal text.
package enum HexText {
    /// Two digits per byte.
    package static func text(of bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { target in
            for (position, byte) in bytes.enumerated() {
                target[position * 2] = digit(byte >> 4)
                target[position * 2 + 1] = digit(byte & 15)
            }
            return bytes.count * 2
        }
    }

    /// Writes `value` without leading zeros at `position`; returns the position after it.
    static func write(
        _ value: UInt64, to target: UnsafeMutableBufferPointer<UInt8>, at position: Int
    ) -> Int {
        let digitCount = max(1, (64 - value.leadingZeroBitCount + 3) / 4)
        var rest = value
        for index in stride(from: digitCount - 1, through: 0, by: -1) {
            target[position + index] = digit(UInt8(truncatingIfNeeded: rest & 15))
            rest >>= 4
        }
        return position + digitCount
    }

    /// As `write`, with a hyphen before the number.
    static func writeNext(
        _ value: UInt64, to target: UnsafeMutableBufferPointer<UInt8>, at position: Int
    ) -> Int {
        target[position] = UInt8(ascii: "-")
        return write(value, to: target, at: position + 1)
    }

    /// Whether `text` is exactly `digitCount` lower-case hexadecimal digits.
    package static func isHex(_ text: String, digitCount: Int) -> Bool {
        text.utf8.count == digitCount
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")) ~= $0
            }
    }

    /// The bytes that `digits` stand for; nil for anything but pairs of lower-case digits.
    package static func bytes(of digits: [UInt8]) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(digits.count / 2)
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[position]), let low = value(digits[position + 1]) else {
                return nil
            }
            result.append(high << 4 | low)
        }
        return result
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }
}
