import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// Dates as signatures, credential documents and HTTP write them.
@Suite struct TimestampTextTests {
    private let example = Timestamp(milliseconds: 1_795_475_758_000)
    private let http = Timestamp(milliseconds: 784_111_777_000)

    @Test("Signatures have the basic form")
    func basic() {
        #expect(example.basicISO8601 == "20261123T231558Z")
        #expect(example.basicISO8601Date == "20261123")
        #expect(Timestamp(milliseconds: 0).basicISO8601 == "19700101T000000Z")
        #expect(Timestamp(milliseconds: -1).basicISO8601 == "19691231T235959Z")
        #expect(Timestamp(milliseconds: 951_782_400_000).basicISO8601 == "20000229T000000Z")
        // Only that they do not trap.
        _ = Timestamp(milliseconds: .max).basicISO8601
        _ = Timestamp(milliseconds: .min).basicISO8601
    }

    @Test("Both directions agree on every day of four centuries, and with BlobCore")
    func everyDay() {
        for day in Int64(-140_000)..<10_000 {
            let time = Timestamp(milliseconds: day * 86_400_000 + 12_345_678)
            let civil = CivilTime(time)
            guard civil.timestamp == time else {
                Issue.record("day \(day) does not come back")
                return
            }
            guard day % 97 == 0 else { continue }
            #expect(Timestamp(iso8601: time.description) == time)
        }
    }

    @Test(
        "ISO 8601 with and without fraction and offset",
        arguments: [
            ("2026-11-23T23:15:58Z", 0), ("2026-11-23T23:15:58.000Z", 0),
            ("2026-11-23T23:15:58", 0), ("2026-11-23t23:15:58z", 0),
            ("2026-11-23T23:15:58.5Z", 500), ("2026-11-23T23:15:58.123456789Z", 123),
            ("2026-11-24T00:15:58+01:00", 0), ("2026-11-23T18:45:58-0430", 0),
            ("2026-11-24T00:15:58+01", 0), ("2026-11-23 23:15:58Z", 0),
            ("2026-11-23T23:15:58,25Z", 250),
        ])
    func iso8601(text: String, milliseconds: Int64) {
        #expect(
            Timestamp(iso8601: text)
                == Timestamp(milliseconds: example.milliseconds + milliseconds))
    }

    @Test(
        "What is no ISO 8601 date gives nothing",
        arguments: [
            "", "Z", "2026-11-23", "2026-11-23T", "2026-11-23T23:15Z", "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-11-23T24:00:00Z", "2026-11-23T23:60:00Z", "2026-11-23T23:15:61Z",
            "2026-11-23T23:15:58.Z", "2026-11-23T23:15:58+1:00", "2026-11-23T23:15:58+24:00",
            "2026-11-23T23:15:58+01:60", "2026-11-23T23:15:58ZZ", "٢٠٢٦-11-23T23:15:58Z",
            "-026-11-23T23:15:58Z", "20261123T231558Z", "2026-11-23T23:15:58Z\0",
            String(repeating: "9", count: 100_000),
        ])
    func notISO8601(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test(
        "The three forms of an HTTP-date",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994", "sun, 06 nov 1994 08:49:37 gmt",
        ])
    func httpDate(text: String) {
        #expect(Timestamp(httpDate: text, now: example) == http)
    }

    @Test("A year of two digits is at most 50 years ahead")
    func century() {
        func year(_ digits: String) -> Int64? {
            Timestamp(httpDate: "Sunday, 06-Nov-\(digits) 08:49:37 GMT", now: example)
                .map { CivilTime($0).year }
        }
        #expect(year("26") == 2026)
        #expect(year("76") == 2076)
        #expect(year("77") == 1977)
        #expect(year("99") == 1999)
    }

    @Test(
        "What is no HTTP-date gives nothing",
        arguments: [
            "", ",", "Sun", "Sun,", "Sun, ", "Sun, 06 Nov 1994 08:49:37",
            "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 94", "Sün, 06 Nov 1994 08:49:37 GMT",
            String(repeating: "a", count: 100_000),
        ])
    func notHTTPDate(text: String) {
        #expect(Timestamp(httpDate: text, now: example) == nil)
    }

    @Test("No prefix, and no changed byte, of a date traps")
    func hostile() {
        for text in ["2026-11-23T23:15:58.123+01:00", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            let bytes = Array(text.utf8)
            for position in bytes.indices {
                for replacement: UInt8 in [0, 0x20, 0x39, 0x2D, 0x7A, 0xFF] {
                    var changed = bytes
                    changed[position] = replacement
                    let text = String(decoding: changed, as: UTF8.self)
                    _ = Timestamp(iso8601: text)
                    _ = Timestamp(httpDate: text)
                }
                let prefix = String(decoding: bytes[..<position], as: UTF8.self)
                #expect(Timestamp(httpDate: prefix) == nil)
            }
        }
    }
}
