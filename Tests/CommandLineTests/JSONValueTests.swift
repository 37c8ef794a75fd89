import Testing

@testable import blobctl

@Suite struct JSONValueTests {
    @Test(arguments: [
        ("plain", #""plain""#), ("", #""""#), (#"quote " and \"#, #""quote \" and \\""#),
        ("line\nend\r\ttab", #""line\nend\r\ttab""#),
        ("\u{0}\u{1f}\u{7f}", #""\u0000\u001f\u007f""#),
        ("\u{1b}[2J", #""\u001b[2J""#), ("é 🙂", #""é 🙂""#), ("\u{2028}", #""\u2028""#),
    ])
    func escapesStrings(text: String, expected: String) {
        #expect(JSONValue.string(text).text == expected)
    }

    @Test func keepsTheOrderOfFields() {
        let value = JSONValue.object([
            .init("z", .unsigned(.max)), .init("a", .array([.null, .bool(true), .signed(-1)])),
            .init("m", .sorted(["b": "2", "a": "1"])),
        ])
        #expect(
            value.text == #"{"z":18446744073709551615,"a":[null,true,-1],"m":{"a":"1","b":"2"}}"#)
    }

    @Test func hasNoInfinity() {
        #expect(JSONValue.number(.infinity).text == "null")
        #expect(JSONValue.number(1.5).text == "1.5")
    }

    @Test func absentIsNull() {
        #expect(JSONValue.optional(nil) == .null)
        #expect(JSONValue.optional("") == .string(""))
    }
}
