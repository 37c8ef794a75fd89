/// Sizes and offsets as services write them.
enum ByteCount {
    /// Nil for anything but digits, and for more than 63 bits hold: no store has that much, and
    /// ranges of it could not be counted.
    static func parse(_ digits: some StringProtocol) -> UInt64? {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits).map { UInt64($0) }
    }

    /// For people: `5 GiB`, `4000 MiB`, `17 bytes`.
    static func text(_ byteCount: UInt64) -> String {
        for (shift, unit) in [(UInt64(30), "GiB"), (20, "MiB")] where byteCount > 0 {
            if byteCount % (1 << shift) == 0 { return "\(byteCount >> shift) \(unit)" }
        }
        return "\(byteCount) bytes"
    }
}
