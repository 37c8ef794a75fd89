import BlobCore
import Testing

@Suite struct BlobURITests {
    @Test(arguments: [
        ("file:///tmp/a%20b", BlobURI.Scheme.file, "", "/tmp/a%20b"),
        ("file://localhost/tmp/x", .file, "", "/tmp/x"),
        ("s3://bucket/a b?c#d%2F..//e/", .s3, "bucket", "a b?c#d%2F..//e/"),
        ("s3a://bucket/k", .s3, "bucket", "k"),
        ("gs://b.u_cket/😀", .gs, "b.u_cket", "😀"),
        ("az://container/x", .az, "container", "x"),
        ("azure://container/x", .az, "container", "x"),
        ("abfss://c@acct.dfs.core.windows.net/p/q", .az, "c", "p/q"),
        ("abfss://c@acct.dfs.core.windows.net/p?q", .az, "c", "p?q"),
        ("https://acct.blob.core.windows.net/c/b", .az, "c", "b"),
        ("http://127.0.0.1:10000/devstoreaccount1/c/b", .az, "c", "b"),
        ("blob://mount/key/with/slashes", .blob, "mount", "key/with/slashes"),
    ])
    func `CM-12 AZ-01 parsing keeps every byte of the key`(
        _ text: String, _ scheme: BlobURI.Scheme, _ container: String, _ key: String
    ) throws {
        let uri = try BlobURI(parsing: text)
        #expect(uri.scheme == scheme)
        #expect(uri.container == container)
        #expect(uri.key == key)
        #expect(try BlobURI(parsing: uri.description) == uri)
    }

    @Test(arguments: [
        "", "x", "/tmp/x", "file://", "file:///", "file://host/x", "file://relative", "s3://",
        "s3://bucket", "s3://bucket/", "s3:///key", "az://Upper/x", "s3://b/a\u{0}b",
        "abfss://acct.dfs.core.windows.net/p", "s3://b/" + String(repeating: "k", count: 1025),
    ])
    func `CM-12 CM-13 malformed URIs are invalid`(_ text: String) {
        let error = #expect(throws: BlobError.self) { try BlobURI(parsing: text) }
        #expect(error?.code == .invalidURI)
    }

    @Test(arguments: ["http://example.com/x", "ftp://h/x", "S3://b/k", "https://x.example/c/b"])
    func `IX13 an unknown scheme is unsupported, never another backend`(_ text: String) {
        let error = #expect(throws: BlobError.self) { try BlobURI(parsing: text) }
        #expect(error?.code == .unsupportedBackend)
    }

    @Test func `a signature in a URI is refused and not repeated`() {
        let error = #expect(throws: BlobError.self) {
            try BlobURI(parsing: "https://a.blob.core.windows.net/c/b?sig=SECRET")
        }
        #expect(error.map { "\($0)".contains("SECRET") } == false)
    }

    @Test func `differently composed text is a different key`() throws {
        let composed = try BlobURI(parsing: "s3://b/\u{E9}")
        let decomposed = try BlobURI(parsing: "s3://b/e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func `control characters cannot forge a line of a log`() throws {
        let uri = try BlobURI(parsing: "s3://b/line\nbreak")
        #expect(!uri.redactedDescription.contains("\n"))
    }
}
