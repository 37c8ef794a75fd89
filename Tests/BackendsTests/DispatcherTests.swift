import Backends
import BlobCore
import TestKit
import Testing

/// The dispatcher over two local stores that pretend to be different ones.
@Suite struct DispatcherTests {
    private let first: LocalFixture
    private let dispatcher: BlobStoreDispatcher

    init() throws {
        first = try LocalFixture()
        dispatcher = try BlobStoreDispatcher(
            backends: [.file: first.store],
            mounts: ["data": first.uri("secret-place/"), "gone": first.s3URI])
    }

    private func uri(_ key: String, mount: String = "data") -> BlobURI {
        BlobURI(scheme: .blob, container: mount, key: key)
    }

    @Test func `IX13 a scheme without a backend is unsupportedBackend`() async throws {
        for scheme in [BlobURI.Scheme.s3, .gs, .az] {
            let uri = BlobURI(scheme: scheme, container: "bucket", key: "key")
            await expectError(.unsupportedBackend) { _ = try await dispatcher.head(uri) }
            await expectError(.unsupportedBackend) { try await dispatcher.put(uri, [1]) }
        }
        await expectError(.unsupportedBackend) {
            _ = try await dispatcher.head(uri("key", mount: "gone"))
        }
        #expect(dispatcher.schemes == ["blob", "file"])
        #expect(dispatcher.mountNames == ["data", "gone"])
    }

    @Test func `CM-09 an unknown mount is containerNotFound`() async throws {
        await expectError(.containerNotFound) {
            _ = try await dispatcher.head(uri("key", mount: "other"))
        }
    }

    @Test func `a mount maps names both ways and errors hide its base`() async throws {
        try await dispatcher.put(uri("dir/blob"), [1, 2])
        #expect(first.directory.has("secret-place/dir/blob"))
        let page = try await dispatcher.list(uri(""), options: ListOptions())
        #expect(page.entries.map(\.uri) == [uri("dir/blob")])
        let grouped = try await dispatcher.list(uri(""), options: ListOptions(delimiter: "/"))
        #expect(grouped.commonPrefixes == [uri("dir/")])
        let upload = try await dispatcher.createMultipartUpload(
            uri("up"), options: MultipartOptions())
        #expect(upload.uri == uri("up"))
        try await dispatcher.abortMultipartUpload(upload, options: CallOptions())
        for key in ["missing", "dir", "dir/blob/below"] {
            let error = await expectError(.notFound) { _ = try await dispatcher.get(uri(key)) }
            #expect(error?.uri == "blob://data/\(key)")
            #expect(error.map { !"\($0)".contains("secret-place") } == true)
        }
        let error = await expectError(.conflict) { try await dispatcher.put(uri("dir"), [1]) }
        #expect(error.map { !"\($0)".contains("secret-place") } == true)
    }

    @Test func `page tokens of a mount are sealed and its own`() async throws {
        for name in ["a", "b", "c"] { try await dispatcher.put(uri(name), [1]) }
        var options = ListOptions(pageEntryCount: 1)
        var found: [BlobURI] = []
        var tokens: [String] = []
        repeat {
            let page = try await dispatcher.list(uri(""), options: options)
            found += page.entries.map(\.uri)
            options.pageToken = page.nextPageToken
            tokens += page.nextPageToken.map { [$0] } ?? []
        } while options.pageToken != nil
        #expect(found == ["a", "b", "c"].map { uri($0) })
        let own = try await first.store.list(
            first.uri("secret-place/"), options: ListOptions(pageEntryCount: 1))
        let open = try #require(own.nextPageToken)
        let token = try #require(tokens.first)
        // Nothing of the store's token shows, not even whether two are the same.
        #expect(!token.contains(open))
        #expect(token.utf8.count > 2 * open.utf8.count)
        let again = try await dispatcher.list(uri(""), options: ListOptions(pageEntryCount: 1))
        #expect(again.nextPageToken != token)
        let changed = (token.first == "0" ? "1" : "0") + token.dropFirst()
        for wrong in [open, "", "00", changed, String(token.dropLast(2)), token + "00"] {
            let error = await expectError(.invalidArgument) {
                _ = try await dispatcher.list(uri(""), options: ListOptions(pageToken: wrong))
            }
            #expect(error?.uri == "blob://data/")
        }
        // The same place under another name, and the next run of the server.
        let other = try BlobStoreDispatcher(
            backends: [.file: first.store], mounts: ["data": first.uri("secret-place/")])
        await expectError(.invalidArgument) {
            _ = try await other.list(uri(""), options: ListOptions(pageToken: token))
        }
        let twice = try BlobStoreDispatcher(
            backends: [.file: first.store],
            mounts: ["data": first.uri("secret-place/"), "twin": first.uri("secret-place/")])
        let page = try await twice.list(uri(""), options: ListOptions(pageEntryCount: 1))
        await expectError(.invalidArgument) {
            _ = try await twice.list(
                uri("", mount: "twin"), options: ListOptions(pageToken: page.nextPageToken))
        }
    }

    @Test func `a key cannot leave its mount`() async throws {
        for key in ["../x", "a/../../x", ".", "..", "a/./b", "a/.."] {
            await expectError(.invalidURI) { _ = try await dispatcher.head(uri(key)) }
            await expectError(.invalidURI) {
                _ = try await dispatcher.list(uri(key), options: ListOptions())
            }
        }
        // Not a segment, hence an ordinary prefix.
        _ = try await dispatcher.list(uri("..a"), options: ListOptions())
    }

    @Test func `a mount reads local files without a wrapper in between`() async throws {
        try await dispatcher.put(uri("blob"), [1, 2, 3])
        let read = try await dispatcher.read(uri("blob"), options: GetOptions())
        #expect(read.source is LocalFileSource)
        #expect(try await dispatcher.get(uri("blob")) == [1, 2, 3])
    }

    @Test func `deletes go to their backends in groups, outcomes in order`() async throws {
        try await dispatcher.put(uri("a"), [1])
        try await first.put("x", at: "plain")
        let uris = [
            first.uri("plain"), uri("a"), uri("key", mount: "other"), uri("../x"), first.s3URI,
            uri("missing"),
        ]
        let outcomes = try await dispatcher.delete(uris, options: CallOptions())
        let texts = outcomes.map { outcome in
            switch outcome {
            case .success(let result): "\(result.existed ?? false)"
            case .failure(let error): "\(error.code)"
            }
        }
        #expect(
            texts == [
                "true", "true", "CONTAINER_NOT_FOUND", "INVALID_URI", "UNSUPPORTED_BACKEND",
                "false",
            ])
    }

    @Test func `a copy between backends streams and keeps the metadata`() async throws {
        let other = try LocalFixture()
        let two = try BlobStoreDispatcher(
            backends: [.file: first.store, .s3: Disguised(store: other.store)],
            mounts: ["data": first.uri("place")])
        let bytes = Bytes([UInt8](repeating: 7, count: 3 << 20))
        try await two.put(
            uri("from"), bytes,
            options: PutOptions(contentType: "image/png", userMetadata: ["k": "v"]))
        let target = BlobURI(
            scheme: .s3, container: "bucket", key: other.directory.path + "/copied")
        let result = try await two.copy(from: uri("from"), to: target, options: CopyOptions())
        #expect(result.byteCount == 3 << 20)
        let metadata = try await other.store.head(other.uri("copied"))
        #expect(metadata.contentType == "image/png")
        #expect(metadata.userMetadata == ["k": "v"])
        await expectError(.alreadyExists) {
            _ = try await two.copy(
                from: uri("from"), to: target, options: CopyOptions(condition: .createOnly))
        }
        await expectError(.preconditionFailed) {
            _ = try await two.copy(
                from: uri("from"), to: target, options: CopyOptions(ifSourceMatch: "\"x\""))
        }
        let error = await expectError(.notFound) {
            _ = try await two.copy(from: uri("none"), to: target, options: CopyOptions())
        }
        #expect(error?.uri == "blob://data/none")
    }

    @Test func `a mount on a mount or with a slash in its name is refused`() {
        for (name, base) in [("a/b", first.uri("x")), ("a", uri("x")), ("", first.uri("x"))] {
            #expect(throws: BlobError.self) {
                _ = try BlobStoreDispatcher(backends: [:], mounts: [name: base])
            }
        }
    }
}

extension LocalFixture {
    /// A URI of a store that no test has.
    var s3URI: BlobURI { BlobURI(scheme: .s3, container: "bucket", key: "key") }
}
