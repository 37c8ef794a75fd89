/// Reads the pieces of a date in text from somewhere else. Whatever does not fit gives nil.
struct TimeScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        // No date is longer; this bounds the work on hostile text.
        bytes = Array(text.utf8.prefix(64))
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The next byte, without taking it.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Takes exactly `digitCount` digits.
    mutating func number(digitCount: Int) -> Int64? {
        guard bytes.count - position >= digitCount else { return nil }
        var value: Int64 = 0
        for index in position..<(position + digitCount) {
            guard let digit = ASCII.digitValue(bytes[index]) else { return nil }
            value = value &* 10 &+ digit
        }
        position += digitCount
        return value
    }

    /// Takes `character` in either case of letters.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let next, character.isASCII,
            ASCII.lowercased(next) == ASCII.lowercased(UInt8(truncatingIfNeeded: character.value))
        else { return false }
        position += 1
        return true
    }

    /// Takes `text` in either case of letters.
    mutating func take(text: String) -> Bool {
        for character in text.unicodeScalars {
            guard take(character) else { return false }
        }
        return true
    }

    /// Takes a run of letters, in lower case; empty without one.
    mutating func letters() -> String {
        var word = ""
        while let next, ASCII.isLetter(next) {
            word.unicodeScalars.append(Unicode.Scalar(ASCII.lowercased(next)))
            position += 1
        }
        return word
    }

    /// Takes a run of digits and gives it as thousandths.
    mutating func thousandths() -> Int64? {
        var value: Int64 = 0
        var digitCount = 0
        while let next, let digit = ASCII.digitValue(next) {
            if digitCount < 3 { value = value &* 10 &+ digit }
            digitCount += 1
            position += 1
        }
        guard digitCount > 0 else { return nil }
        for _ in digitCount..<max(3, digitCount) { value = value &* 10 }
        return value
    }
}
