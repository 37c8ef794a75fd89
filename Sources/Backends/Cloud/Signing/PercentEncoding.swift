/// Percent-encoding as AWS Signature V4 wants it: everything but the unreserved characters of
/// RFC 3986, byte by byte, in upper case and once (S3-01).
enum PercentEncoding {
    /// A key as the path of a URL: `/` stays, and nothing is normalised.
    static func path(_ key: String) -> String {
        encoded(key, keepsSlash: true)
    }

    /// A name or value of a query: `/` is encoded too, and a space becomes `%20`.
    static func query(_ text: String) -> String {
        encoded(text, keepsSlash: false)
    }

    /// As ``query(_:)``, behind what `target` has.
    static func appendQuery(_ text: String, to target: inout [UInt8]) {
        target.append(addingCapacity: 3 * text.utf8.count) { target in
            for byte in text.utf8 {
                if isUnreserved(byte) {
                    target.append(byte)
                } else {
                    target.append(UInt8(ascii: "%"))
                    target.append(upperCaseDigit(byte >> 4))
                    target.append(upperCaseDigit(byte & 15))
                }
            }
        }
    }

    /// The text that a form encoded: `%XX`, and `+` for a blank. Nil when it cannot be UTF-8.
    static func decodeForm(_ text: String) -> String? { decoded(text, plus: 0x20) }

    /// The text that was percent-encoded; a `+` is one. Nil when it cannot be UTF-8.
    static func decode(_ text: String) -> String? { decoded(text, plus: UInt8(ascii: "+")) }

    private static func decoded(_ text: String, plus: UInt8) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(plus)
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digitValue),
                    let low = rest.next().flatMap(digitValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digitValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func encoded(_ text: String, keepsSlash: Bool) -> String {
        let slash = keepsSlash ? UInt8(ascii: "/") : UInt8(ascii: "-")
        let plainByteCount = text.utf8.count { isUnreserved($0) || $0 == slash }
        if plainByteCount == text.utf8.count { return text }
        let byteCount = plainByteCount + 3 * (text.utf8.count - plainByteCount)
        return String(unsafeUninitializedCapacity: byteCount) { target in
            var position = 0
            for byte in text.utf8 {
                if isUnreserved(byte) || byte == slash {
                    target[position] = byte
                    position += 1
                } else {
                    target[position] = UInt8(ascii: "%")
                    target[position + 1] = upperCaseDigit(byte >> 4)
                    target[position + 2] = upperCaseDigit(byte & 15)
                    position += 3
                }
            }
            return position
        }
    }

    /// Letters, digits, `-`, `.`, `_` and `~`: one bit for each character of ASCII. Every byte of
    /// every name is looked up, several times for a URL.
    @inline(__always)
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        let below64: UInt64 = 0x3FF << 48 | 1 << 45 | 1 << 46
        let above63: UInt64 = 0x3FF_FFFF << 1 | 0x3FF_FFFF << 33 | 1 << 31 | 1 << 62
        return byte < 128 && (byte < 64 ? below64 : above63) >> (byte & 63) & 1 == 1
    }

    private static func upperCaseDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }
}
