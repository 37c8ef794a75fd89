/// Names of metadata for services that take identifiers only: what no identifier has becomes
/// `_xHHHH_`, the number of the character, as .NET writes names in XML. Plain names stay as they are.
enum IdentifierName {
    private static let underscore = UInt8(ascii: "_")
    private static let digits = Array("0123456789abcdef".utf8)

    /// - Parameter name: Plain ASCII.
    static func encode(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            let isPlain =
                switch byte {
                case 0x41...0x5A, 0x61...0x7A: true
                case 0x30...0x39: index > 0
                // One that a reader would take for the beginning of a number.
                case underscore: number(after: index, in: bytes) == nil
                default: false
                }
            if isPlain {
                result.append(byte)
            } else {
                result += Array("_x00".utf8)
                result += [digits[Int(byte >> 4)], digits[Int(byte & 15)], underscore]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What `encode` was given; other names come back as they are.
    static func decode(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == underscore, let number = number(after: index, in: bytes),
                (0x21...0x7E).contains(number), index + 6 < bytes.count,
                bytes[index + 6] == underscore
            {
                result.append(UInt8(truncatingIfNeeded: number))
                index += 7
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Of the `xHHHH` that follows.
    private static func number(after index: Int, in bytes: [UInt8]) -> Int? {
        guard index + 5 < bytes.count, bytes[index + 1] | 0x20 == UInt8(ascii: "x") else {
            return nil
        }
        var number = 0
        for byte in bytes[(index + 2)...(index + 5)] {
            guard let digit = digits.firstIndex(of: byte | 0x20) else { return nil }
            number = number << 4 | digit
        }
        return number
    }
}
