import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct HeaderValueTests {
    @Test(
        arguments: [
            ("bytes 0-9/100", 0..<10, 100), ("bytes 90-99/100", 90..<100, 100),
            ("Bytes 5-5/6", 5..<6, 6), ("bytes 0-0/*", 0..<1, nil), ("bytes */7", nil, 7),
            ("bytes */0", nil, 0),
        ] as [(String, Range<UInt64>?, UInt64?)])
    func `CM-02 a content range is read`(
        text: String, range: Range<UInt64>?, size: UInt64?
    ) throws {
        let content = try #require(ContentRange(text))
        #expect(content.range == range)
        #expect(content.size == size)
    }

    @Test(arguments: [
        "", "bytes", "bytes 0-9", "bytes 9-0/100", "bytes 0-100/100", "items 0-9/100",
        "bytes 0-18446744073709551615/*", "bytes -1-9/100", "bytes 0-9/1e2", "bytes 0-9/100/5",
        "bytes 99999999999999999999-999999999999999999999/*", "bytes +0-9/10", "bytes */-1",
    ])
    func `CM-02 nonsense is no content range`(text: String) {
        #expect(ContentRange(text) == nil)
    }

    @Test(arguments: ["plain", "", "a=b; c", "naïve café", "日本語", "=?not?=", " space ", "a\tb"])
    func `metadata values come back through a header`(text: String) {
        let encoded = EncodedWord.encode(text)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(EncodedWord.decode(encoded) == text)
    }

    @Test func `encoded words of others are understood, broken ones kept`() {
        #expect(EncodedWord.decode("=?UTF-8?Q?caf=C3=A9_au_lait?=") == "café au lait")
        #expect(EncodedWord.decode("=?utf-8?b?w6k=?= =?UTF-8?B?w6k=?=") == "éé")
        for text in [
            "=?UTF-8?B?!!!?=", "=?UTF-8?Q?=G0?=", "=?latin1?Q?=E9?=", "=?UTF-8?B?/w==?=", "=??=",
            "=?UTF-8?Q?=C?=",
        ] {
            #expect(EncodedWord.decode(text) == text)
        }
    }

    @Test func `S3-13 entity tags are quoted once`() {
        #expect(EntityTag.quoted("\"abc\"") == "\"abc\"")
        #expect(EntityTag.quoted(" abc-3 ") == "\"abc-3\"")
        #expect(EntityTag.quoted("W/\"x\"") == "W/\"x\"")
        #expect(EntityTag.quoted("a\r\nb: c") == nil)
        #expect(EntityTag.quoted("") == nil)
        #expect(EntityTag.isStrong("\"abc\"") && !EntityTag.isStrong("W/\"abc\""))
    }

    @Test func `metadata headers are checked and hide the commit token`() throws {
        let uri = BlobURI(scheme: .s3, container: "bucket", key: "k")
        let attributes = try BlobAttributes(checking: "text/plain", ["Owner": "é", "n": "1"])
        let headers = try MetadataHeaders.s3.headers(attributes, commitToken: "token")
        #expect(headers["content-type"] == "text/plain")
        #expect(headers["x-amz-meta-blobrpc-commit"] == "token")
        var response = headers
        response["etag"] = "\"e\""
        response["last-modified"] = "Sun, 06 Nov 1994 08:49:37 GMT"
        response["x-amz-version-id"] = "null"
        let metadata = try MetadataHeaders.s3.metadata(response, byteCount: 3, of: uri)
        #expect(metadata.userMetadata == ["owner": "é", "n": "1"])
        #expect(metadata.lastModified == Timestamp(milliseconds: 784_111_777_000))
        #expect(metadata.version == nil)
        for name in ["a b", "é", "a:b", "blobrpc-commit"] {
            let attributes = try BlobAttributes(checking: nil, [name: "v"])
            #expect(throws: BlobError.self) {
                try MetadataHeaders.s3.headers(attributes, commitToken: nil)
            }
        }
    }

    @Test func `a token does without room rather than break the limit of 2 KiB`() throws {
        let value = String(repeating: "v", count: 2040)
        let attributes = try BlobAttributes(checking: nil, ["n": value])
        let headers = try MetadataHeaders.s3.headers(attributes, commitToken: "token")
        #expect(headers[MetadataHeaders.s3.commitTokenHeader] == nil)
        #expect(headers["x-amz-meta-n"] == value)
    }

    @Test func `an upload name carries the token and the service's own name`() throws {
        let token = String(repeating: "0a", count: 16)
        let uri = BlobURI(scheme: .s3, container: "bucket", key: "k")
        let name = UploadName(commitToken: token, uploadID: "a.b/c+d")
        let read = try UploadName(MultipartUpload(uri: uri, uploadID: name.text))
        #expect(read.commitToken == token && read.uploadID == "a.b/c+d")
        for text in [
            "", token, token + ".", "x" + token + ".a", token.uppercased() + ".a",
            token + "." + String(repeating: "u", count: 9000), String(repeating: "é", count: 40),
        ] {
            let error = #expect(throws: BlobError.self) {
                try UploadName(MultipartUpload(uri: uri, uploadID: text))
            }
            #expect(error?.code == .uploadNotFound)
        }
    }
}
