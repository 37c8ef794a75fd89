import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// S3-01, S3-02, CM-12: the key that is signed is the key that is asked for, in headers, in URLs and
/// in documents, whatever is in it.
@Suite(.timeLimit(.minutes(10))) struct S3OddKeyTests {
    /// A key, and what SeaweedFS makes of it that is not right. Seen with another client too.
    struct OddKey: Sendable, CustomTestStringConvertible {
        var key: String
        /// It keeps the blob, but a list names it so.
        var seaweedName: String?
        /// It takes the key for a directory and gives no bytes back.
        var isSeaweedDirectory = false

        init(_ key: String, seaweedName: String? = nil, isSeaweedDirectory: Bool = false) {
            self.key = key
            self.seaweedName = seaweedName
            self.isSeaweedDirectory = isSeaweedDirectory
        }

        var testDescription: String { key.debugDescription }
    }

    static let keys: [OddKey] = [
        OddKey("a b"), OddKey("a+b"), OddKey("a%2Fb"), OddKey("%"), OddKey("%zz"),
        OddKey("\u{e9}\u{1F600}"), OddKey("u\u{308}"), OddKey("*'()!"), OddKey("=&?#"),
        OddKey(":@$,;"), OddKey("~._-"), OddKey("&<>\"'"), OddKey("]]>"), OddKey("&amp;"),
        OddKey("a//b", seaweedName: "a/b"), OddKey("/lead", seaweedName: "lead"),
        OddKey("trail/", isSeaweedDirectory: true),
        OddKey("back\\slash", seaweedName: "back/slash"),
        // Documents hold some of these only escaped, and others not at all.
        OddKey("tab\tline\nreturn\r"), OddKey("control\u{1}\u{1F}"), OddKey("delete\u{7F}\u{85}"),
        OddKey("no\u{FFFE}character\u{FFFF}"),
    ]

    @Test(arguments: S3TestServer.Kind.allCases, keys)
    func `S3-01 put, head, get, list and delete`(
        _ kind: S3TestServer.Kind, _ odd: OddKey
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let uri = fixture.uri(odd.key)
            let body = Bytes(utf8: "body of \(odd.key)")
            let isDirectory = kind == .seaweedfs && odd.isSeaweedDirectory
            let result = try await fixture.backend.put(uri, body)
            let head = try await fixture.backend.head(uri)
            #expect(head.byteCount == (isDirectory ? 0 : UInt64(body.count)))
            #expect(head.etag == result.etag || isDirectory)
            #expect(try await fixture.backend.get(uri) == (isDirectory ? Bytes() : body))
            // The other client finds the same blob by the same name.
            let found = try await fixture.server.head(uri.key)
            #expect(found?.ContentLength == Int(head.byteCount))
            try await expectListed(odd, fixture)
            try await fixture.backend.delete(uri)
            #expect(try await fixture.server.head(uri.key) == nil)
            await expectError(.notFound) { _ = try await fixture.backend.get(uri) }
        }
    }

    private func expectListed(_ odd: OddKey, _ fixture: S3Fixture) async throws {
        let entries = try await fixture.backend.listAll(fixture.uri(""))
        let expected = fixture.kind == .seaweedfs ? odd.seaweedName ?? odd.key : odd.key
        // Strings compare by canonical equivalence; these must be the same bytes.
        #expect(
            entries.map { Array($0.uri.key.utf8) } == [Array(fixture.uri(expected).key.utf8)])
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `S3-01 many at once: multipart, copies and deletes`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let keys = Self.keys.filter { !$0.isSeaweedDirectory }.map(\.key)
            for key in keys {
                if XMLText.escaped(key) == nil {
                    // The server would name such a key in an answer that nobody can read.
                    await expectError(.invalidURI) {
                        _ = try await fixture.backend.createMultipartUpload(
                            fixture.uri(key), options: MultipartOptions())
                    }
                    try await fixture.backend.put(fixture.uri(key), Bytes(utf8: key))
                    continue
                }
                let upload = try await fixture.backend.createMultipartUpload(
                    fixture.uri(key), options: MultipartOptions())
                let part = try await fixture.backend.uploadPart(
                    upload, partNumber: 1, body: .bytes(Bytes(utf8: key)),
                    options: UploadPartOptions())
                _ = try await fixture.backend.completeMultipartUpload(
                    upload, parts: [part], options: CompleteOptions())
                let copy = fixture.uri("copy/" + key)
                _ = try await fixture.backend.copy(
                    from: fixture.uri(key), to: copy, options: CopyOptions())
                #expect(try await fixture.backend.get(copy) == Bytes(utf8: key))
            }
            // What a document cannot hold is deleted one by one.
            let uris = keys.flatMap { [fixture.uri($0), fixture.uri("copy/" + $0)] }
            let outcomes = try await fixture.backend.delete(uris, options: CallOptions())
            for (uri, outcome) in zip(uris, outcomes) {
                if kind == .ministack, uri.key.utf8.contains(UInt8(ascii: "\r")) {
                    // It names this one with a bare return, which every parser makes a line feed of.
                    await expectError(.backendUnavailable) { _ = try outcome.get() }
                } else {
                    _ = try outcome.get()
                }
            }
            for (uri, key) in zip(uris, keys.flatMap { [$0, $0] }) {
                // SeaweedFS says that it deleted this one of several, and did not.
                if kind == .seaweedfs, key == "back\\slash" {
                    #expect(try await fixture.server.head(uri.key) != nil)
                } else {
                    #expect(try await fixture.server.head(uri.key) == nil, "\(key)")
                }
            }
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases, keys)
    func `S3-01 signed URLs, used by curl`(
        _ kind: S3TestServer.Kind, _ odd: OddKey
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let uri = fixture.uri(odd.key)
            let body = Bytes(utf8: "body of \(odd.key)")
            let put = try await fixture.backend.presignPut(uri, options: PresignOptions())
            #expect(try await Curl.send(put.url, body: body).status == 200)
            let get = try await fixture.backend.presignGet(uri, options: PresignOptions())
            let answer = try await Curl.send(get.url)
            #expect(answer.status == 200)
            let isDirectory = kind == .seaweedfs && odd.isSeaweedDirectory
            #expect(answer.body == (isDirectory ? Bytes() : body))
        }
    }

    /// S3-03: what HTTP clients would rewrite is not signed, but can be read and written here.
    @Test(arguments: ["dot/./x", "dots/../x", "..", "end/.."])
    func `S3-03 dots between slashes`(_ key: String) async throws {
        try await S3Fixture.with(.ministack) { fixture in
            let uri = fixture.uri(key)
            try await fixture.backend.put(uri, Bytes(utf8: key))
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: key))
            #expect(try await fixture.keys() == [key])
            await expectError(.presign) {
                _ = try await fixture.backend.presignGet(uri, options: PresignOptions())
            }
            await expectError(.presign) {
                _ = try await fixture.backend.presignPut(uri, options: PresignOptions())
            }
            let upload = MultipartUpload(
                uri: uri, uploadID: String(repeating: "0", count: RandomName.digitCount) + ".u")
            await expectError(.presign) {
                _ = try await fixture.backend.presignUploadParts(
                    upload, partNumbers: [1], options: PresignOptions())
            }
        }
        // SeaweedFS refuses such keys; the caller is told that it is the name.
        try await S3Fixture.with(.seaweedfs) { fixture in
            await expectError(.invalidArgument) {
                try await fixture.backend.put(fixture.uri(key), Bytes(utf8: key))
            }
        }
    }
}
