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

    /// The text that a form encoded: `%XX`, and `+` for a blank. Nil when it cannot be UTF-8.
    static func decodeForm(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
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

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func upperCaseDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
    }
}
