internal import BlobCore

extension Timestamp {
    /// As signatures have it: "20261123T231558Z".
    var basicISO8601: String {
        let time = CivilTime(self)
        return String(unsafeUninitializedCapacity: 16) { target in
            Self.write(time.year, digitCount: 4, to: target, at: 0)
            Self.write(time.month, digitCount: 2, to: target, at: 4)
            Self.write(time.day, digitCount: 2, to: target, at: 6)
            target[8] = UInt8(ascii: "T")
            Self.write(time.hour, digitCount: 2, to: target, at: 9)
            Self.write(time.minute, digitCount: 2, to: target, at: 11)
            Self.write(time.second, digitCount: 2, to: target, at: 13)
            target[15] = UInt8(ascii: "Z")
            return 16
        }
    }

    /// "20261123".
    var basicISO8601Date: String { String(basicISO8601.prefix(8)) }

    /// Years beyond 0 to 9999 lose their sign and leading digits: no clock shows them.
    static func write(
        _ value: Int64, digitCount: Int, to target: UnsafeMutableBufferPointer<UInt8>,
        at position: Int
    ) {
        var rest = value.magnitude
        for index in stride(from: digitCount - 1, through: 0, by: -1) {
            target[position + index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
