import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// CM-11: what no honest store sends is refused, and cut documents are told from broken ones.
@Suite struct XMLHostileTests {
    private func failure(_ text: String) -> XMLFailure? {
        failure(Bytes(utf8: text))
    }

    private func failure(_ bytes: Bytes) -> XMLFailure? {
        do throws(XMLFailure) {
            _ = try XMLElement(parsing: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test("every prefix of a document is truncated, never malformed")
    func truncated() {
        let text =
            "\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- é --><r xmlns=\"u\"><a b='1'>x&amp;é"
            + "<![CDATA[y]]></a><c/>&#10;</r>"
        let bytes = Bytes(utf8: text)
        for byteCount in 0..<bytes.count {
            #expect(failure(bytes.prefix(byteCount)) == .truncated, "\(byteCount) bytes")
        }
        #expect(failure(bytes) == nil)
    }

    @Test(
        "broken documents",
        arguments: [
            "<a></b>", "<a>&unknown;</a>", "<a><b></a></b>", "hello", "<a>\u{1}</a>", "<a>&#1;</a>",
            "<a/><b/>", "<a/>x", "<a b=1/>", "<a b='1' b='2'/>", "{\"a\":1}", "<a><</a>",
            "<a>]]></a>",
            "<?xml version='1.0' encoding='none-such'?><a/>", " x<?xml version='1.0'?><a/>",
            "<html><body>Bad<br></body></html>",
        ])
    func malformed(text: String) {
        #expect(failure(text) == .malformed)
    }

    @Test("bytes that are no text are malformed")
    func noText() {
        #expect(failure(Bytes([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E])) == .malformed)
        #expect(failure(Bytes([0x3C, 0x61, 0x3E, 0, 0x3C, 0x2F, 0x61, 0x3E])) == .malformed)
        #expect(
            failure(Bytes([0x3C, 0x61, 0x3E, 0xC0, 0x80, 0x3C, 0x2F, 0x61, 0x3E])) == .malformed)
    }

    @Test("document types are refused: expanding entities, files, and even empty ones")
    func documentTypes() {
        var bomb = "<!DOCTYPE a [<!ENTITY e0 'boom'>"
        for level in 1...9 {
            let references = String(repeating: "&e\(level - 1);", count: 10)
            bomb += "<!ENTITY e\(level) '\(references)'>"
        }
        for text in [
            bomb + "]><a>&e9;</a>",
            "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><a>&f;</a>",
            "<!DOCTYPE a SYSTEM 'http://127.0.0.1/a.dtd'><a/>", "<!DOCTYPE html><html/>",
            "<!DOCTYPE a [<!ENTITY % p 'x'> %p;]><a/>",
        ] {
            #expect(failure(text) == .forbidden)
        }
    }

    @Test("nesting is bounded")
    func depth() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(failure(nested(32)) == nil)
        #expect(failure(nested(33)) == .forbidden)
        #expect(failure(nested(200_000)) == .forbidden)
        #expect(failure(String(repeating: "<a>", count: 1_000_000)) == .forbidden)
    }

    @Test("the count of elements is bounded")
    func elementCount() {
        func wide(_ count: Int) -> String {
            "<r>" + String(repeating: "<a/>", count: count) + "</r>"
        }
        #expect(failure(wide(49_999)) == nil)
        #expect(failure(wide(50_000)) == .forbidden)
    }

    @Test("a request can let its answer have more elements, and no more than that")
    func raisedElementCount() throws {
        let text = "<r>" + String(repeating: "<a/>", count: 60_000) + "</r>"
        let bytes = Bytes(utf8: text)
        let element = try XMLElement(parsing: bytes, maximumElementCount: 60_001)
        #expect(element.children.count == 60_000)
        #expect(throws: XMLFailure.forbidden) {
            _ = try XMLElement(parsing: bytes, maximumElementCount: 60_000)
        }
    }

    @Test("the count of bytes is bounded")
    func byteCount() {
        func long(_ count: Int) -> String { "<r>" + String(repeating: " ", count: count) + "</r>" }
        #expect(failure(long((16 << 20) - 7)) == nil)
        #expect(failure(long((16 << 20) - 6)) == .tooLarge)
    }

    @Test("random damage never traps")
    func damage() {
        var random = SystemRandomNumberGenerator()
        let text = "<?xml version='1.0'?><r a='b'><k>x&amp;y</k><![CDATA[z]]><!-- c --><p:q/></r>"
        for _ in 0..<3000 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if let element = try? XMLElement(parsing: Bytes(bytes)) {
                #expect(element.children.count <= 8)
            }
        }
    }
}
