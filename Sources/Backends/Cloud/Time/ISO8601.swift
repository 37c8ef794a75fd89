internal import BlobCore

extension Timestamp {
    /// Reads ISO 8601 in the extended form of RFC 3339, as in "2026-11-23T23:15:58.000Z", with or
    /// without a fraction. The offset may be "Z", "+01:00" or "+0100"; without one it is UTC.
    init?(iso8601 text: String) {
        var scanner = TimeScanner(text)
        guard let year = scanner.number(digitCount: 4), scanner.take("-"),
            let month = scanner.number(digitCount: 2), scanner.take("-"),
            let day = scanner.number(digitCount: 2), scanner.take("T") || scanner.take(" "),
            let hour = scanner.number(digitCount: 2), scanner.take(":"),
            let minute = scanner.number(digitCount: 2), scanner.take(":"),
            let second = scanner.number(digitCount: 2)
        else { return nil }
        var time = CivilTime(year: year, month: month, day: day)
        (time.hour, time.minute, time.second) = (hour, minute, second)
        if scanner.take(".") || scanner.take(",") {
            guard let millisecond = scanner.thousandths() else { return nil }
            time.millisecond = millisecond
        }
        guard let local = time.timestamp, let offset = Self.offsetMinutes(&scanner),
            scanner.isAtEnd
        else { return nil }
        self.init(milliseconds: local.milliseconds &- offset &* 60_000)
    }

    private static func offsetMinutes(_ scanner: inout TimeScanner) -> Int64? {
        if scanner.isAtEnd || scanner.take("Z") { return 0 }
        let isEast = scanner.take("+")
        guard isEast || scanner.take("-"), let hours = scanner.number(digitCount: 2), hours <= 23
        else { return nil }
        if scanner.isAtEnd { return isEast ? hours * 60 : -hours * 60 }
        _ = scanner.take(":")
        guard let minutes = scanner.number(digitCount: 2), minutes <= 59 else { return nil }
        return (hours * 60 + minutes) * (isEast ? 1 : -1)
    }
}
