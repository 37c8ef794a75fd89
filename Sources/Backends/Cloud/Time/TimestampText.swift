internal import BlobCore

extension Timestamp {
    /// ISO 8601 in whole seconds, as in "2026-11-23T23:15:58Z".
    var iso8601Seconds: String {
        let time = CivilTime(self)
        return String(unsafeUninitializedCapacity: 20) { target in
            Self.write(time.year, digitCount: 4, to: target, at: 0)
            target[4] = UInt8(ascii: "-")
            Self.write(time.month, digitCount: 2, to: target, at: 5)
            target[7] = UInt8(ascii: "-")
            Self.write(time.day, digitCount: 2, to: target, at: 8)
            target[10] = UInt8(ascii: "T")
            Self.writeTimeOfDay(time, to: target, at: 11)
            target[19] = UInt8(ascii: "Z")
            return 20
        }
    }

    /// The preferred form of RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
    var httpDate: String {
        let time = CivilTime(self)
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        // The first of January 1970 was a Thursday.
        let dayOfWeek = ((quotient - (remainder < 0 ? 1 : 0)) % 7 + 11) % 7
        return String(unsafeUninitializedCapacity: 29) { target in
            Self.write(name: Int(dayOfWeek), of: "SunMonTueWedThuFriSat", to: target, at: 0)
            target[3] = UInt8(ascii: ",")
            target[4] = UInt8(ascii: " ")
            Self.write(time.day, digitCount: 2, to: target, at: 5)
            target[7] = UInt8(ascii: " ")
            Self.write(
                name: Int(time.month - 1), of: "JanFebMarAprMayJunJulAugSepOctNovDec", to: target,
                at: 8)
            target[11] = UInt8(ascii: " ")
            Self.write(time.year, digitCount: 4, to: target, at: 12)
            target[16] = UInt8(ascii: " ")
            Self.writeTimeOfDay(time, to: target, at: 17)
            _ = target[25..<29].update(fromContentsOf: " GMT".utf8)
            return 29
        }
    }

    /// "23:15:58".
    private static func writeTimeOfDay(
        _ time: CivilTime, to target: UnsafeMutableBufferPointer<UInt8>, at position: Int
    ) {
        write(time.hour, digitCount: 2, to: target, at: position)
        target[position + 2] = UInt8(ascii: ":")
        write(time.minute, digitCount: 2, to: target, at: position + 3)
        target[position + 5] = UInt8(ascii: ":")
        write(time.second, digitCount: 2, to: target, at: position + 6)
    }

    /// One of the names of three letters that stand in a row.
    private static func write(
        name index: Int, of names: StaticString, to target: UnsafeMutableBufferPointer<UInt8>,
        at position: Int
    ) {
        for offset in 0..<3 {
            target[position + offset] = names.utf8Start[3 * index + offset]
        }
    }
}
