/// Bytes as text of RFC 4648 section 4: with padding, and without line breaks.
enum Base64 {
    /// The text of `bytes`.
    static func text(of bytes: [UInt8]) -> String {
        let textByteCount = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: textByteCount) { target in
            var position = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let second = start + 1 < bytes.count ? bytes[start + 1] : nil
                let third = start + 2 < bytes.count ? bytes[start + 2] : nil
                let group =
                    UInt32(bytes[start]) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
                target[position] = digit(group >> 18)
                target[position + 1] = digit(group >> 12)
                target[position + 2] = second == nil ? padding : digit(group >> 6)
                target[position + 3] = third == nil ? padding : digit(group)
                position += 4
            }
            return textByteCount
        }
    }

    /// The form of section 5 that URLs and tokens can carry, without padding.
    static func urlText(of bytes: [UInt8]) -> String {
        String(
            decoding: text(of: bytes).utf8.lazy.filter { $0 != padding }.map { digit in
                switch digit {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: digit
                }
            }, as: UTF8.self)
    }

    /// The bytes that `text` stands for; nil for anything that `text(of:)` would not have made.
    ///
    /// Strict, so that two different texts never mean the same bytes: no blanks, all padding, and no
    /// bits left over.
    static func bytes(of text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 4) else { return nil }
        guard !digits.isEmpty else { return [] }
        let paddingCount = digits.suffix(2).reduce(0) { $0 + ($1 == padding ? 1 : 0) }
        let end = digits.count - paddingCount
        var result: [UInt8] = []
        result.reserveCapacity(digits.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        for index in 0..<end {
            // A padding sign before the end is not a digit, so it is refused here.
            guard let value = value(of: digits[index]) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
                bits &= (1 << UInt32(bitCount)) - 1
            }
        }
        return bits == 0 ? result : nil
    }

    private static let padding = UInt8(ascii: "=")

    private static func digit(_ group: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: group & 63)
        switch value {
        case 0..<26: return UInt8(ascii: "A") + value
        case 26..<52: return UInt8(ascii: "a") + (value - 26)
        case 52..<62: return UInt8(ascii: "0") + (value - 52)
        case 62: return UInt8(ascii: "+")
        default: return UInt8(ascii: "/")
        }
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): return 62
        case UInt8(ascii: "/"): return 63
        default: return nil
        }
    }
}
