import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct Base64Tests {
    @Test(
        "RFC 4648's examples, both ways",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ])
    func examples(plain: String, encoded: String) {
        #expect(Base64.text(of: Array(plain.utf8)) == encoded)
        #expect(Base64.bytes(of: encoded) == Array(plain.utf8))
        #expect(Base64.urlText(of: Array(plain.utf8)) == encoded.filter { $0 != "=" })
    }

    @Test("all bytes and lengths come back")
    func roundTrip() {
        let all = (0..<256).map { UInt8($0) } + (0..<256).map { UInt8($0) }.reversed()
        for byteCount in 0...all.count {
            let bytes = Array(all.suffix(byteCount))
            #expect(Base64.bytes(of: Base64.text(of: bytes)) == bytes)
        }
        #expect(Base64.text(of: [0xFB, 0xFF, 0xBF]) == "+/+/")
        #expect(Base64.urlText(of: [0xFB, 0xFF, 0xBF]) == "-_-_")
    }

    @Test(
        "anything else is refused",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "====", "Z===", "Zm=v", "Zg==Zg==",
            " Zg==", "Zg==\n", "Zm-v", "Zm_v", "Zm\u{E9}v", "Zm9v ", "Z\u{0}==",
        ])
    func refused(text: String) {
        #expect(Base64.bytes(of: text) == nil)
    }
}
