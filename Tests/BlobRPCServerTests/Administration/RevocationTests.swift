import Backends
import BlobCore
import BlobRPCClient
import BlobRPCServer
import Foundation
import Synchronization
import TestKit
import Testing

@testable import BlobWire

/// What becomes of a socket that is revoked, whoever revokes it.
@Suite(.timeLimit(.minutes(3))) struct RevocationTests {
    /// A put whose body does not end, and a get that nobody reads.
    private func busyPeer(_ path: String, _ uri: BlobURI) async throws -> RawPeer {
        var limits = ConnectionLimits()
        limits.streamCreditByteCount = 64 << 10
        let peer = try await RawPeer.open(path: path, limits: limits)
        let put = try await peer.call(
            .put(uri.replacingKey("new"), PutOptions(), bodyByteCount: nil), flags: [])
        try await peer.write(
            peer.frame(FrameHeader(type: .data, streamID: put), payload: [1, 2, 3]))
        try await peer.call(.get(uri, GetOptions()))
        // Its first bytes say that it runs.
        _ = try #require(try await peer.read(until: .data))
        return peer
    }

    @Test(arguments: [true, false])
    func `W-103 removal closes, cancels and tells of uploads`(aborts: Bool) async throws {
        let fixture = try await LauncherFixture { ObservedStore($0) }
        let observed = try #require(fixture.server.served as? ObservedStore)
        let store = fixture.server.store
        try await store.put(fixture.uri, SeededBody(seed: 1, byteCount: 4 << 20).bytes)
        let text = fixture.path("job") + (aborts ? "" : " keeping")
        let path = try await fixture.launcher.addListener(text: text)
        let client = try await BlobClient.connect(path: path)
        let upload = try await client.createMultipartUpload(
            fixture.uri.replacingKey("parts"), options: MultipartOptions())
        let peer = try await busyPeer(path, fixture.uri)
        try await observed.bodyBegan.wait()

        let uploads = try await fixture.launcher.removeListener(at: path)
        #expect(uploads == [OpenUpload(upload: upload, isAborted: aborts)])
        try await peer.waitUntilClosed()
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
        // The handlers have ended: what they had begun is gone, and nothing became visible.
        let isThere =
            (try? await store.listParts(upload, afterPartNumber: 0, options: CallOptions())) != nil
        #expect(isThere == !aborts)
        await #expect(throws: BlobError.self) {
            try await store.head(fixture.uri.replacingKey("new"), options: GetOptions())
        }
        let put = try await observed.firstPut()
        #expect(put.error != nil && put.wasCancelled)
        let again = await #expect(throws: BlobError.self) {
            try await fixture.launcher.removeListener(at: path)
        }
        #expect(again?.code == .notFound)
        await client.close()
        await fixture.stop()
    }

    @Test func `W-103 a socket of the configuration stays`() async throws {
        let fixture = try await LauncherFixture()
        let refusal = await #expect(throws: BlobError.self) {
            try await fixture.launcher.removeListener(at: fixture.server.socketPath)
        }
        #expect(refusal?.code == .permissionDenied)
        #expect(try await fixture.launcher.listListeners().count == 1)
        await fixture.stop()
    }

    @Test func `W-105 a socket goes with the launcher that wants it so`() async throws {
        let fixture = try await LauncherFixture()
        let owner = try await fixture.server.connect()
        let owned = try await owner.addListener(
            text: fixture.path("owned"), options: ListenerOptions(endsWithCaller: true))
        let kept = try await owner.addListener(text: fixture.path("kept"))
        let peer = try await RawPeer.open(path: owned)
        // What is one launcher's is not renewed by another one.
        let refusal = await #expect(throws: BlobError.self) {
            try await fixture.launcher.addListener(
                text: fixture.path("owned"), options: ListenerOptions(leaseSeconds: 60))
        }
        #expect(refusal?.code == .conflict)
        await owner.close()
        try await peer.waitUntilClosed()
        let left = try await fixture.launcher.listListeners().map(\.path)
        #expect(left == [kept, fixture.server.socketPath])
        #expect(!FileManager.default.fileExists(atPath: owned))
        await fixture.stop()
    }

    @Test func `a shutdown waits for a removal that nobody waits for`() async throws {
        let abortBegan = Event()
        let mayAbort = Event()
        let order = Mutex<[String]>([])
        let fixture = try await LauncherFixture { store in
            ObservedStore(store) { (operation) throws(BlobError) in
                guard operation == .abortMultipartUpload else { return }
                abortBegan.signal()
                do { try await mayAbort.wait() } catch { throw BlobError.cancelled }
                order.withLock { $0.append("given up") }
            }
        }
        let owner = try await fixture.server.connect()
        let path = try await owner.addListener(
            text: fixture.path("owned"), options: ListenerOptions(endsWithCaller: true))
        let client = try await BlobClient.connect(path: path)
        let upload = try await client.createMultipartUpload(
            fixture.uri, options: MultipartOptions())
        await client.close()
        await owner.close()
        try await abortBegan.wait()
        await fixture.launcher.close()
        let stopping = Task {
            await fixture.server.server.shutdown()
            order.withLock { $0.append("stopped") }
        }
        // Whatever the shutdown does by itself has many turns to be done.
        for _ in 0..<20 { await fixture.server.server.turnEveryLoop() }
        #expect(order.withLock { $0.isEmpty })
        mayAbort.signal()
        await stopping.value
        #expect(order.withLock { $0 } == ["given up", "stopped"])
        await #expect(throws: BlobError.self) {
            try await fixture.server.store.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
        }
        await fixture.server.stop()
    }

    @Test func `W-105 a lease that is not renewed ends`() async throws {
        let fixture = try await LauncherFixture()
        let lease = ListenerOptions(leaseSeconds: 1)
        let path = try await fixture.launcher.addListener(
            text: fixture.path("job"), options: lease)
        let peer = try await RawPeer.open(path: path)
        try await peer.waitUntilClosed()
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try await fixture.launcher.listListeners().count == 1)
        // The path is free again.
        try await fixture.launcher.addListener(text: fixture.path("job"), options: lease)
        await fixture.stop()
    }

    @Test func `W-105 a lease is renewed by the same text and nothing else`() async throws {
        let fixture = try await LauncherFixture()
        let client = fixture.launcher
        let text = fixture.path("job")
        // Long enough to be renewed in time also where a test is kept from the processor.
        try await client.addListener(text: text, options: ListenerOptions(leaseSeconds: 10))
        try await client.addListener(text: text, options: ListenerOptions(leaseSeconds: 3600))
        let others: [(String, ListenerOptions)] = [
            (text, ListenerOptions()), (text + " keeping", ListenerOptions(leaseSeconds: 60)),
            (text, ListenerOptions(leaseSeconds: 60, endsWithCaller: true)),
        ]
        for (text, options) in others {
            let refusal = await #expect(throws: BlobError.self) {
                try await client.addListener(text: text, options: options)
            }
            #expect(refusal?.code == .conflict)
        }
        // A later socket with a longer lease is the clock: when it is gone, the first end has passed.
        let clock = try await client.addListener(
            text: fixture.path("clock"), options: ListenerOptions(leaseSeconds: 11))
        try await RawPeer.open(path: clock).waitUntilClosed()
        _ = try await RawPeer.open(path: text)
        // A shorter lease counts too.
        let peer = try await RawPeer.open(path: text)
        try await client.addListener(text: text, options: ListenerOptions(leaseSeconds: 1))
        try await peer.waitUntilClosed()
        await fixture.stop()
    }
}
