import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// CM-11: what a store may send is read, with or without namespaces.
@Suite struct XMLElementTests {
    @Test("a list of S3 is read, whatever its namespace")
    func list() throws {
        for root in [
            "<ListBucketResult>",
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        ] {
            let text =
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + root
                + "<Name>blobs</Name><Contents><Key>a&amp;b</Key><Size>5</Size></Contents>"
                + "<New Attribute='1'><Deep/></New><Contents><Key>ü\u{1F600}</Key></Contents>"
                + "</ListBucketResult>\n"
            let list = try XMLElement(parsing: Bytes(utf8: text))
            #expect(list.name == "ListBucketResult")
            #expect(list.text(of: "Name") == "blobs")
            #expect(list.all("Contents").map { $0.text(of: "Key") } == ["a&b", "ü\u{1F600}"])
            #expect(list.first("Contents")?.text(of: "Size") == "5")
            #expect(list.text(of: "Nothing") == nil)
            #expect(list.first("New")?.first("Deep") != nil)
        }
    }

    @Test("prefixes of names are dropped, bound or not")
    func prefixes() throws {
        for text in ["<a:b xmlns:a='u'><a:c>1</a:c></a:b>", "<a:b><x:c>1</x:c></a:b>"] {
            let element = try XMLElement(parsing: Bytes(utf8: text))
            #expect(element.name == "b")
            #expect(element.text(of: "c") == "1")
        }
    }

    @Test("blanks before the declaration are skipped, as slow completions send them")
    func leadingBlanks() throws {
        let blanks = String(repeating: " \r\n\t", count: 5000)
        let text = blanks + "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>"
        #expect(try XMLElement(parsing: Bytes(utf8: text)).text(of: "Code") == "InternalError")
    }

    @Test("white space and sections of character data stay")
    func characterData() throws {
        let text = "<a> x\n<b/>&lt;y&#233;<![CDATA[<&]]>\t<!-- no --><?no no?></a>"
        #expect(try XMLElement(parsing: Bytes(utf8: text)).text == " x\n<yé<&\t")
    }

    @Test("UTF-16 and a byte order mark are understood")
    func encodings() throws {
        let plain: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("<a>é</a>".utf8)
        #expect(try XMLElement(parsing: Bytes(plain)).text == "é")
        var wide: [UInt8] = [0xFF, 0xFE]
        for unit in "<a>é</a>".utf16 { wide += [UInt8(unit & 255), UInt8(unit >> 8)] }
        #expect(try XMLElement(parsing: Bytes(wide)).text == "é")
    }

    @Test(
        "what was escaped is read back", arguments: ["<&>\"'", "a\r\nb\tc ", "]]>", "é\u{7F}", ""])
    func escaping(text: String) throws {
        let escaped = try #require(XMLText.escaped(text))
        let element = try XMLElement(parsing: Bytes(utf8: "<a>\(escaped)</a>"))
        #expect(element.text == text)
    }

    @Test("what XML 1.0 cannot carry is not escaped")
    func inexpressible() {
        for text in ["a\u{0}", "\u{1}", "\u{1F}b", "\u{B}", "\u{FFFE}", "\u{FFFF}"] {
            #expect(XMLText.escaped(text) == nil)
        }
        #expect(XMLText.escaped("<&>\"'") == "&lt;&amp;&gt;&quot;&apos;")
    }
}
