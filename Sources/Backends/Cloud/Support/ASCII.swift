/// Questions about single bytes of text, the same in every locale.
enum ASCII {
    /// `A` to `Z` in lower case; every other byte as it is.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// Space, tab, line feed, vertical tab, form feed or carriage return.
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (byte >= 0x09 && byte <= 0x0D)
    }

    /// Whether the byte is a printable character other than a space.
    static func isVisible(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F
    }

    /// Whether the byte is `A` to `Z` or `a` to `z`.
    static func isLetter(_ byte: UInt8) -> Bool {
        lowercased(byte) >= 0x61 && lowercased(byte) <= 0x7A
    }

    /// The value of a decimal digit.
    static func digitValue(_ byte: UInt8) -> Int64? {
        byte >= 0x30 && byte <= 0x39 ? Int64(byte) - 0x30 : nil
    }
}
