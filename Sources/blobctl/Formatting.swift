/// Text for people: sizes, times, and names that cannot upset a terminal.
enum Formatting {
    /// `byteCount` with a binary unit and one decimal, for example `1.5 MiB`; exact below 1 KiB.
    static func size(_ byteCount: UInt64) -> String {
        guard byteCount >= 1024 else { return "\(byteCount) B" }
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var shift: UInt64 = 10
        var unit = 0
        while unit + 1 < units.count, byteCount >> (shift + 10) > 0 {
            shift += 10
            unit += 1
        }
        let whole = byteCount >> shift
        let tenths = ((byteCount - whole << shift) >> (shift - 10)) * 10 / 1024
        return "\(whole).\(tenths) \(units[unit])"
    }

    /// Minutes and seconds, with hours when there are any: `0:07`, `1:02:03`.
    static func clock(seconds: UInt64) -> String {
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        let padded = twoDigits(seconds % 60)
        return hours > 0
            ? "\(hours):\(twoDigits(minutes)):\(padded)" : "\(minutes):\(padded)"
    }

    /// Milliseconds with three decimals: `0.123 ms`.
    static func milliseconds(_ duration: Duration) -> String {
        let microseconds = max(0, duration / .microseconds(1))
        let rounded = UInt64(microseconds.rounded())
        let fraction = String(rounded % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        return "\(rounded / 1000).\(zeros)\(fraction) ms"
    }

    /// `text` with its control characters escaped: a key or a server's message can hold line ends
    /// and terminal commands.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Lower-case hexadecimal digits.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == "\u{2028}"
            || scalar == "\u{2029}"
    }

    private static func twoDigits(_ value: UInt64) -> String {
        value < 10 ? "0\(value)" : String(value)
    }
}
