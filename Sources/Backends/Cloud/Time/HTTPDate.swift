internal import BlobCore

extension Timestamp {
    /// Reads an HTTP-date in any of the three forms of RFC 9110 section 5.6.7:
    /// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" and
    /// "Sun Nov  6 08:49:37 1994".
    ///
    /// - Parameter now: tells the century of a year of two digits.
    init?(httpDate text: String, now: Timestamp = WallClock.system.now()) {
        var scanner = TimeScanner(text)
        guard !scanner.letters().isEmpty else { return nil }
        let read: CivilTime?
        if scanner.take(",") {
            read = Self.dayFirst(&scanner, now: now)
        } else {
            read = Self.asctime(&scanner)
        }
        guard let time = read?.timestamp, scanner.isAtEnd else { return nil }
        self = time
    }

    /// "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT".
    private static func dayFirst(_ scanner: inout TimeScanner, now: Timestamp) -> CivilTime? {
        guard scanner.take(" "), let day = scanner.number(digitCount: 2) else { return nil }
        let isObsolete = scanner.take("-")
        guard isObsolete || scanner.take(" "), let month = month(scanner.letters()),
            scanner.take(isObsolete ? "-" : " "),
            let year = scanner.number(digitCount: isObsolete ? 2 : 4), scanner.take(" ")
        else { return nil }
        var time = CivilTime(
            year: isObsolete ? century(of: year, now) + year : year, month: month, day: day)
        guard timeOfDay(&scanner, &time), scanner.take(text: " GMT") else { return nil }
        return time
    }

    /// " Nov  6 08:49:37 1994".
    private static func asctime(_ scanner: inout TimeScanner) -> CivilTime? {
        guard scanner.take(" "), let month = month(scanner.letters()), scanner.take(" ") else {
            return nil
        }
        let digitCount = scanner.take(" ") ? 1 : 2
        guard let day = scanner.number(digitCount: digitCount), scanner.take(" ") else {
            return nil
        }
        var time = CivilTime(year: 0, month: month, day: day)
        guard timeOfDay(&scanner, &time), scanner.take(" "),
            let year = scanner.number(digitCount: 4)
        else { return nil }
        time.year = year
        return time
    }

    private static func timeOfDay(_ scanner: inout TimeScanner, _ time: inout CivilTime) -> Bool {
        guard let hour = scanner.number(digitCount: 2), scanner.take(":"),
            let minute = scanner.number(digitCount: 2), scanner.take(":"),
            let second = scanner.number(digitCount: 2)
        else { return false }
        (time.hour, time.minute, time.second) = (hour, minute, second)
        return true
    }

    /// A year of two digits that would lie more than 50 years ahead is of the century before.
    private static func century(of year: Int64, _ now: Timestamp) -> Int64 {
        let currentYear = CivilTime(now).year
        let century = currentYear - currentYear % 100
        return century + year > currentYear + 50 ? century - 100 : century
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    private static func month(_ name: String) -> Int64? {
        months.firstIndex(of: name).map { Int64($0) + 1 }
    }
}
