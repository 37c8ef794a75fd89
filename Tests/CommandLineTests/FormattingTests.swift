import Testing

@testable import blobctl

@Suite struct FormattingTests {
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
            (1_048_575, "1023.9 KiB"), (1_048_576, "1.0 MiB"), (5_368_709_120, "5.0 GiB"),
            (18_446_744_073_709_551_615, "15.9 EiB"),
        ] as [(UInt64, String)])
    func sizes(byteCount: UInt64, expected: String) {
        #expect(Formatting.size(byteCount) == expected)
    }

    @Test(arguments: [(UInt64(0), "0:00"), (67, "1:07"), (3723, "1:02:03")])
    func clocks(seconds: UInt64, expected: String) {
        #expect(Formatting.clock(seconds: seconds) == expected)
    }

    @Test(arguments: [
        (Duration.microseconds(5), "0.005 ms"), (.microseconds(1500), "1.500 ms"),
        (.seconds(2), "2000.000 ms"), (.nanoseconds(1), "0.000 ms"),
    ])
    func milliseconds(duration: Duration, expected: String) {
        #expect(Formatting.milliseconds(duration) == expected)
    }

    @Test func escapesWhatSteersTerminals() {
        #expect(Formatting.printable("a\nb\u{1b}[31m") == "a\\u{a}b\\u{1b}[31m")
        #expect(Formatting.printable("é 🙂") == "é 🙂")
    }

    @Test func hexadecimalHasTwoDigitsEach() {
        #expect(Formatting.hexadecimal([0, 15, 16, 255]) == "000f10ff")
    }
}
