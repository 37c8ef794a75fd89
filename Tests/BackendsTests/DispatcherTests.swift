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
