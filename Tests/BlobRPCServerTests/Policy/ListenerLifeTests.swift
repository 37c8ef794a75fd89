import Backends
import BlobCore
import BlobRPCClient
import Foundation
import TestKit
import Testing

@testable import BlobRPCServer
@testable import BlobWire

/// Sockets that come and go while the server runs.
@Suite(.timeLimit(.minutes(10))) struct ListenerLifeTests {
    private let uri = TenantFixture.uri("team/whole")

    @Test func `a socket that is added serves at once and one that is removed is gone`()
        async throws
    {
        let server = try TestServer()
        let permanent = try await server.connect()
        for round in 0..<20 {
            let path = try server.addUntrusted("job.sock", .mounts(["data"]))
            #expect(server.server.socketPaths == [path, server.socketPath].sorted())
            let peer = try await RawPeer.open(path: path)
            #expect(try await peer.error(.info) == nil)
            // A second one at the same path is refused, and does not harm the first.
            let error = await failure { _ = try server.addUntrusted("job.sock", .mounts(["data"])) }
            #expect(error?.code == .conflict)
            #expect(try await peer.error(.info) == nil)
            #expect(try await server.server.removeListener(at: path).isEmpty, "\(round)")
            #expect(try await peer.read() == nil)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
            _ = try await permanent.ping()
        }
        let error = await failure {
            try await server.server.removeListener(at: "\(server.directory.path)/job.sock")
        }
        #expect(error?.code == .notFound)
        await permanent.close()
        await server.stop()
    }

    @Test func `removing a socket cancels its calls and leaves the others alone`() async throws {
        let server = try TestServer(wrapping: { ObservedStore($0) })
        let store = try #require(server.served as? ObservedStore)
        let path = try server.addUntrusted("job.sock", .mounts(["data"]))
        let peer = try await RawPeer.open(path: path)
        let put = try await peer.call(
            .put(uri, PutOptions(), bodyByteCount: 1 << 20), flags: [])
        try await peer.write(
            peer.frame(
                FrameHeader(type: .data, streamID: put),
                payload: [UInt8](repeating: 1, count: 100_000)))
        try await store.bodyBegan.wait()
        // A call on another socket, under way all the time.
        let other = try await RawPeer.open(path: server.socketPath)
        let running = try await other.call(
            .put(TenantFixture.uri("other/x"), PutOptions(), bodyByteCount: 3), flags: [])
        #expect(try await server.server.removeListener(at: path).isEmpty)
        let outcome = try await store.firstPut()
        #expect(outcome.wasCancelled)
        #expect(outcome.bodyError == .connectionLost)
        #expect(try await peer.read(until: .response) == nil)
        try await other.write(
            other.frame(
                FrameHeader(type: .data, flags: .end, streamID: running), payload: [1, 2, 3]))
        guard case .written = try await other.answer(on: running, to: .put) else {
            Issue.record("the other socket's call was disturbed")
            return
        }
        #expect(try await server.store.listAll(TenantFixture.uri("")).map(\.uri.key) == ["other/x"])
        await server.stop()
    }

    @Test(
        "uploads that are open are told and given up as the policy says", arguments: [true, false])
    func uploads(aborts: Bool) async throws {
        let server = try TestServer()
        let path = try server.addUntrusted("job.sock", .mounts(["data"])) {
            $0.abortsUploadsOnRemoval = aborts
        }
        let client = try await BlobClient.connect(path: path)
        func create(_ key: String) async throws -> MultipartUpload {
            try await client.createMultipartUpload(
                TenantFixture.uri(key), options: MultipartOptions())
        }
        let open = [try await create("open-1"), try await create("open-2")]
        let aborted = try await create("aborted")
        try await client.abortMultipartUpload(aborted, options: CallOptions())
        let completed = try await create("completed")
        _ = try await client.completeMultipartUpload(
            completed, parts: [], options: CompleteOptions())
        // Of another socket: none of this one's business.
        let foreign = try await server.store.createMultipartUpload(
            TenantFixture.uri("foreign"), options: MultipartOptions())
        let told = try await server.server.removeListener(at: path)
        #expect(told.map(\.upload) == open)
        #expect(told.allSatisfy { $0.isAborted == aborts && $0.error == nil })
        for upload in open + [foreign] {
            let isThere =
                (try? await server.store.listParts(
                    upload, afterPartNumber: 0, options: CallOptions())) != nil
            #expect(isThere == (!aborts || upload == foreign))
            try await server.store.abortMultipartUpload(upload, options: CallOptions())
        }
        await client.close()
        await server.stop()
    }

    @Test func `a policy changes for the calls that begin afterwards`() async throws {
        let server = try TestServer()
        let path = try server.addUntrusted("job.sock", .mounts(["data"]))
        let peer = try await RawPeer.open(path: path)
        let put = try await peer.call(.put(uri, PutOptions(), bodyByteCount: 3), flags: [])
        // Answered in order: the put has begun.
        #expect(try await peer.error(.info) == nil)
        var policy = ListenerPolicy.untrusted
        policy.scope = .mounts(["data"])
        policy.isReadOnly = true
        try server.server.setPolicy(policy, at: path)
        let later = try await peer.error(.put(uri, PutOptions(), bodyByteCount: nil), flags: .end)
        #expect(later?.code == .readOnly)
        try await peer.write(
            peer.frame(FrameHeader(type: .data, flags: .end, streamID: put), payload: [1, 2, 3]))
        guard case .written = try await peer.answer(on: put, to: .put) else {
            Issue.record("the call that had begun was ended")
            return
        }
        policy.scope = .granted([])
        try server.server.setPolicy(policy, at: path)
        #expect(try await peer.error(.head(uri, GetOptions()))?.code == .permissionDenied)
        let error = await failure { try server.server.setPolicy(policy, at: "/no/such/socket") }
        #expect(error?.code == .notFound)
        await server.stop()
    }

    @Test func `who takes a socket away takes no later one at the same path`() async throws {
        let server = try TestServer()
        var configuration = ListenerConfiguration(path: "\(server.directory.path)/job.sock")
        configuration.policy = .untrusted
        let first = try server.server.add(configuration)
        try await server.server.removeListener(at: configuration.path)
        let second = try server.server.add(configuration)
        let error = await failure {
            try server.server.beginRemoval(at: configuration.path, of: first)
        }
        #expect(error?.code == .notFound)
        _ = try await RawPeer.open(path: configuration.path)
        #expect(
            try await server.server.beginRemoval(at: configuration.path, of: second).value == [])
        await server.stop()
    }

    @Test func `a server that drains takes no new sockets`() async throws {
        let server = try TestServer()
        await server.stop()
        let error = await failure { _ = try server.addUntrusted("late.sock", .mounts(["data"])) }
        #expect(error?.code == .shuttingDown)
        #expect(!server.directory.has("late.sock"))
    }
}
