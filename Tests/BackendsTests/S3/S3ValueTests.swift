import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct S3ValueTests {
    @Test(
        arguments: [
            ("bytes 0-9/100", 0..<10, 100), ("bytes 90-99/100", 90..<100, 100),
            ("Bytes 5-5/6", 5..<6, 6), ("bytes 0-0/*", 0..<1, nil), ("bytes */7", nil, 7),
            ("bytes */0", nil, 0),
        ] as [(String, Range<UInt64>?, UInt64?)])
    func `CM-02 a content range is read`(
        text: String, range: Range<UInt64>?, size: UInt64?
    ) throws {
        let content = try #require(S3ContentRange(text))
        #expect(content.range == range)
        #expect(content.size == size)
    }

    @Test(arguments: [
        "", "bytes", "bytes 0-9", "bytes 9-0/100", "bytes 0-100/100", "items 0-9/100",
        "bytes 0-18446744073709551615/*", "bytes -1-9/100", "bytes 0-9/1e2", "bytes 0-9/100/5",
        "bytes 99999999999999999999-999999999999999999999/*", "bytes +0-9/10", "bytes */-1",
    ])
    func `CM-02 nonsense is no content range`(text: String) {
        #expect(S3ContentRange(text) == nil)
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
        #expect(S3EntityTag.quoted("\"abc\"") == "\"abc\"")
        #expect(S3EntityTag.quoted(" abc-3 ") == "\"abc-3\"")
        #expect(S3EntityTag.quoted("W/\"x\"") == "W/\"x\"")
        #expect(S3EntityTag.quoted("a\r\nb: c") == nil)
        #expect(S3EntityTag.quoted("") == nil)
        #expect(S3EntityTag.isStrong("\"abc\"") && !S3EntityTag.isStrong("W/\"abc\""))
    }

    @Test func `metadata headers are checked and hide the commit token`() throws {
        let attributes = try BlobAttributes(checking: "text/plain", ["Owner": "é", "n": "1"])
        let headers = try S3Metadata.headers(attributes, commitToken: "token")
        #expect(headers["content-type"] == "text/plain")
        #expect(headers["x-amz-meta-blobrpc-commit"] == "token")
        var response = headers
        response["etag"] = "\"e\""
        response["last-modified"] = "Sun, 06 Nov 1994 08:49:37 GMT"
        response["x-amz-version-id"] = "null"
        let metadata = try #require(S3Metadata.metadata(response, byteCount: 3))
        #expect(metadata.userMetadata == ["owner": "é", "n": "1"])
        #expect(metadata.lastModified == Timestamp(milliseconds: 784_111_777_000))
        #expect(metadata.version == nil)
        for name in ["a b", "é", "a:b", "blobrpc-commit"] {
            let attributes = try BlobAttributes(checking: nil, [name: "v"])
            #expect(throws: BlobError.self) {
                try S3Metadata.headers(attributes, commitToken: nil)
            }
        }
    }

    @Test func `a token does without room rather than break the limit of 2 KiB`() throws {
        let value = String(repeating: "v", count: 2040)
        let attributes = try BlobAttributes(checking: nil, ["n": value])
        let headers = try S3Metadata.headers(attributes, commitToken: "token")
        #expect(headers[S3Metadata.commitTokenHeader] == nil)
        #expect(headers["x-amz-meta-n"] == value)
    }

    @Test func `an upload name carries the token and the service's own name`() throws {
        let token = String(repeating: "0a", count: 16)
        let uri = BlobURI(scheme: .s3, container: "bucket", key: "k")
        let name = S3UploadName(commitToken: token, uploadID: "a.b/c+d")
        let read = try S3UploadName(MultipartUpload(uri: uri, uploadID: name.text))
        #expect(read.commitToken == token && read.uploadID == "a.b/c+d")
        for text in [
            "", token, token + ".", "x" + token + ".a", token.uppercased() + ".a",
            token + "." + String(repeating: "u", count: 3000), String(repeating: "é", count: 40),
        ] {
            let error = #expect(throws: BlobError.self) {
                try S3UploadName(MultipartUpload(uri: uri, uploadID: text))
            }
            #expect(error?.code == .uploadNotFound)
        }
    }
}
