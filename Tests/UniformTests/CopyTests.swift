import Backends
import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// Copies from one store to another: whole, with what belongs to them, or not at all.
@Suite(.timeLimit(.minutes(10))) struct CopyTests {
    private static let partByteCount = 5 << 20
    private static let metadata = ["who": "me", "note": "two words"]

    private func put(_ fixture: CopyFixture, _ key: String, _ bytes: Bytes) async throws -> String {
        try await fixture.source.put(
            fixture.from.base.below(key), bytes,
            options: PutOptions(contentType: "text/x-copy", userMetadata: Self.metadata)
        ).etag
    }

    private func copy(
        _ fixture: CopyFixture, _ key: String, options: CopyOptions = CopyOptions()
    ) async throws -> PutResult {
        try await fixture.dispatcher.copy(
            from: fixture.from.base.below(key), to: fixture.to.base.below(key), options: options)
    }

    private func expect(
        _ result: PutResult, at uri: BlobURI, in store: any BlobStore, has bytes: Bytes
    ) async throws {
        #expect(result.byteCount == UInt64(bytes.count))
        #expect(try await store.get(uri) == bytes)
        let metadata = try await store.head(uri)
        #expect(metadata.etag == result.etag)
        #expect(metadata.contentType == "text/x-copy")
        #expect(metadata.userMetadata == Self.metadata)
    }

    @Test(
        arguments: CopyPair.all,
        [0, 1, partByteCount - 1, partByteCount, partByteCount + 1])
    func `CM-19 W-77 every store to every other`(
        _ pair: CopyPair, _ byteCount: Int
    ) async throws {
        try await CopyFixture.with(pair) { fixture in
            let bytes = Bytes.seeded(7, byteCount)
            _ = try await put(fixture, "blob", bytes)
            let result = try await copy(fixture, "blob")
            let uri = fixture.to.base.below("blob")
            try await expect(result, at: uri, in: fixture.destination, has: bytes)
        }
    }

    @Test(
        arguments: UniformStore.each, [0, 1, partByteCount - 1, partByteCount + 1, 64 << 20])
    func `W-77 between mounts of one store, and from the store to a mount of it`(
        _ store: UniformStore, _ byteCount: Int
    ) async throws {
        try await CopyFixture.with(CopyPair(from: store, to: store)) { fixture in
            let bytes = Bytes.seeded(8, byteCount)
            _ = try await put(fixture, "mount/blob", bytes)
            let from = BlobURI(scheme: .blob, container: "from", key: "blob")
            for (source, key) in [(from, "a"), (fixture.from.base.below("mount/blob"), "b")] {
                let to = BlobURI(scheme: .blob, container: "to", key: key)
                let result = try await fixture.dispatcher.copy(
                    from: source, to: to, options: CopyOptions())
                try await expect(result, at: to, in: fixture.dispatcher, has: bytes)
            }
        }
    }

    @Test(arguments: UniformStore.each, [0, 1, partByteCount, 12 << 20])
    func `CM-19 a store that cannot copy by itself is read and written`(
        _ store: UniformStore, _ byteCount: Int
    ) async throws {
        let unable = BlobError(.unsupportedOperation, "cannot copy")
        try await CopyFixture.with(
            CopyPair(from: store, to: store),
            intercept: { operation throws(BlobError) in if operation == .copy { throw unable } }
        ) { fixture in
            let bytes = Bytes.seeded(9, byteCount)
            let etag = try await put(fixture, "blob", bytes)
            let result = try await copy(
                fixture, "blob", options: CopyOptions(ifSourceMatch: etag))
            try await expect(
                result, at: fixture.to.base.below("blob"), in: fixture.destination, has: bytes)
            await expectError(.preconditionFailed) {
                _ = try await copy(fixture, "blob", options: CopyOptions(ifSourceMatch: "\"x\""))
            }
        }
    }

    @Test(arguments: CopyPair.all)
    func `W-77 the conditions on both sides hold`(_ pair: CopyPair) async throws {
        try await CopyFixture.with(pair) { fixture in
            let (old, new) = (Bytes.seeded(1, 1000), Bytes.seeded(2, 2000))
            let etag = try await put(fixture, "blob", new)
            let target = fixture.to.base.below("blob")
            let first = try await fixture.destination.put(target, old)
            await expectError(.alreadyExists) {
                _ = try await copy(fixture, "blob", options: CopyOptions(condition: .createOnly))
            }
            await expectError(.preconditionFailed) {
                _ = try await copy(
                    fixture, "blob", options: CopyOptions(condition: .ifMatch(etag: "\"x\"")))
            }
            let error = await expectError(.preconditionFailed) {
                _ = try await copy(fixture, "blob", options: CopyOptions(ifSourceMatch: "\"x\""))
            }
            #expect(error?.uri == fixture.from.base.below("blob").description)
            #expect(try await fixture.destination.get(target) == old)
            _ = try await copy(
                fixture, "blob",
                options: CopyOptions(
                    condition: .ifMatch(etag: first.etag), ifSourceMatch: etag))
            #expect(try await fixture.destination.get(target) == new)
            let missing = await expectError(.notFound) { _ = try await copy(fixture, "none") }
            #expect(missing?.uri == fixture.from.base.below("none").description)
        }
    }

    @Test(arguments: CopyPair.all)
    func `through the socket of a real server`(_ pair: CopyPair) async throws {
        let daemon = try await UniformDaemon(serving: [pair.from, pair.to])
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        let (from, to) = (
            daemon.places[0].base.below("blob"), daemon.places[1].base.below("blob")
        )
        let bytes = Bytes.seeded(5, 64 << 20)
        try await client.put(
            from, bytes,
            options: PutOptions(contentType: "text/x-copy", userMetadata: Self.metadata))
        let result = try await client.copy(from: from, to: to, options: CopyOptions())
        try await expect(result, at: to, in: client, has: bytes)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
