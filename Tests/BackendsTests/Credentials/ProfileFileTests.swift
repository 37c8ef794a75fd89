import Testing

@testable import Backends
@testable import CloudBackends

/// The format of `~/.aws/config`.
@Suite struct ProfileFileTests {
    @Test("Sections, properties, comments and white space")
    func format() {
        let file = ProfileFile(
            parsing: """
                \u{FEFF}# a comment
                lost = before any section
                [default]
                region=eu-central-1
                  ; an indented comment
                AWS_Access_Key_ID   =   AKID   # a comment
                aws_secret_access_key = a#b;c=d==
                empty =
                = no name
                no value
                [  profile   spaced   out ] # a comment
                a = 1
                a = 2
                [broken
                b = lost
                [default]
                output = json
                """)
        #expect(
            file.sections == [
                "default": [
                    "region": "eu-central-1", "aws_access_key_id": "AKID",
                    "aws_secret_access_key": "a#b;c=d==", "empty": "", "output": "json",
                ],
                "profile spaced out": ["a": "2"],
            ])
    }

    @Test("What is indented below a property belongs to it")
    func nested() {
        let file = ProfileFile(
            parsing: """
                [a]
                s3 =
                  region = nested
                    deeper = nested
                  [nested]
                region = right
                [b]
                  region = indented as a whole
                  output = json
                """)
        #expect(file.sections["a"] == ["s3": "", "region": "right"])
        #expect(file.sections["b"] == ["region": "indented as a whole", "output": "json"])
        #expect(file.sections["nested"] == nil)
    }

    @Test("Line ends of other systems")
    func lineEnds() {
        let file = ProfileFile(parsing: "[a]\r\nx = 1\r\n\r\ny = 2\rz = 3")
        #expect(file.sections == ["a": ["x": "1", "y": "2", "z": "3"]])
    }

    @Test(
        "No text traps",
        arguments: [
            "", "[", "]", "[]", "[]\n=", "=\n=", "[a]\n==\n=", "\u{FEFF}", "[\u{0}]\n\u{0}=\u{0}",
            " \t ", "[a]\n \n\tx", "[é\u{301}]\né = \u{301}ü", "[profile ]\na=b",
            String(repeating: "[", count: 10_000), String(repeating: "[a]\nb=c\n", count: 5000),
        ])
    func hostile(text: String) {
        let file = ProfileFile(parsing: text)
        let set = ProfileSet(config: file, credentials: file)
        #expect(set["no such profile"] == nil)
    }

    @Test("Profiles of both files together")
    func profiles() {
        let config = ProfileFile(
            parsing: """
                [default]
                region = hidden
                [profile default]
                region = shown
                [profile "with quotes"]
                region = r
                [ignored]
                region = no prefix
                [profile both]
                region = config
                aws_access_key_id = config
                [sso-session s]
                sso_region = r
                """)
        let credentials = ProfileFile(
            parsing: "[both]\naws_access_key_id = credentials\n[only]\nx = y\n")
        let set = ProfileSet(config: config, credentials: credentials)
        #expect(set["default"]?["region"] == "shown")
        #expect(set["with quotes"]?["region"] == "r")
        #expect(set["ignored"] == nil)
        #expect(set["both"]?["region"] == "config")
        #expect(set["both"]?["aws_access_key_id"] == "credentials")
        #expect(set["only"]?["x"] == "y")
        #expect(set.session("s")?["sso_region"] == "r")
        #expect(set["s"] == nil)
    }

    @Test("A profile does not show its keys")
    func redaction() throws {
        let file = ProfileFile(parsing: "[a]\naws_secret_access_key = hush")
        let profile = try #require(ProfileSet(config: file, credentials: file)["a"])
        var dumped = ""
        dump(profile, to: &dumped)
        #expect(!"\(profile) \(String(reflecting: profile)) \(dumped)".contains("hush"))
    }
}
