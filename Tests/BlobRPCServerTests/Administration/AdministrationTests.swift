import BlobCore
import BlobRPCClient
import BlobRPCServer
import Foundation
import TestKit
import Testing

@testable import BlobWire

/// Launchers add and revoke sockets while the server runs.
@Suite(.timeLimit(.minutes(3))) struct AdministrationTests {
    private func code(
        _ body: () async throws -> Void
    ) async -> BlobError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? BlobError
        }
    }

    @Test func `W-101 a socket that was added can be used at once`() async throws {
        let fixture = try await LauncherFixture()
        for round in 0..<20 {
            let path = fixture.path("job-\(round)")
            #expect(try await fixture.launcher.addListener(text: path) == path)
            // Without trying twice: the raw peer has no patience.
            let peer = try await RawPeer.open(path: path)
            try await peer.call(.info)
            let answer = try #require(try await peer.read(until: .response))
            #expect(try RawPeer.status(answer).rawValue == 0)
        }
        await fixture.stop()
        #expect(fixture.server.directory.names(in: "").allSatisfy { !$0.hasPrefix("job") })
    }

    @Test func `W-100 only a socket for launchers knows these operations`() async throws {
        let everything = PolicyGrant(
            Set(BlobOperation.allCases), on: BlobURI(scheme: .blob, container: "data", key: ""))
        let policies: [(inout ListenerConfiguration) -> Void] = [
            { _ in }, { $0.isReadOnly = true }, { $0.policy = .untrusted },
            { $0.policy.scope = .granted([everything]) },
        ]
        for configure in policies {
            let server = try TestServer(listenerReader: PathReader(), configure: configure)
            let peer = try RawPeer(path: server.socketPath)
            try await peer.write(Preface.bytes + peer.hello())
            let hello = try #require(try await peer.read(until: .hello))
            let operations = try hello.payload.withReader { (reader) throws(WireError) in
                try HelloFrame(&reader).operations
            }
            #expect(operations.allSatisfy { $0 < 64 })
            let requests: [BlobRequest.Arguments] = [
                .addListener("/tmp/x", ListenerOptions()), .removeListener(path: "/tmp/x"),
                .listListeners,
            ]
            for arguments in requests {
                try await peer.call(arguments)
                let frame = try #require(try await peer.read(until: .response))
                let response = try BlobResponse(payload: frame.payload, answering: .info)
                // To the last byte what a number gets that nobody has.
                let number = BlobRequest(arguments).operation.rawValue
                #expect(response == .failure(.unknownOperation(number)))
                // Nor are its fields looked at: one that is cut off would end the connection.
                let other = try await RawPeer.open(path: server.socketPath)
                let head = withUnsafeBytes(of: number.bigEndian) { Array($0) }
                try await other.write(
                    other.frame(
                        FrameHeader(type: .request, flags: [.end, .noData], streamID: 1),
                        payload: head + [0, 0, 0, 0, 0, 0, 0xFF]))
                let second = try #require(try await other.read(until: .response))
                #expect(second.payload == frame.payload)
            }
            await server.stop()
        }
    }

    @Test func `W-100 a socket for launchers has no blobs`() async throws {
        let fixture = try await LauncherFixture()
        let peer = try RawPeer(path: fixture.server.socketPath)
        try await peer.write(Preface.bytes + peer.hello())
        let hello = try #require(try await peer.read(until: .hello))
        let operations = try hello.payload.withReader { (reader) throws(WireError) in
            try HelloFrame(&reader).operations
        }
        #expect(operations == [17, 64, 65, 66])
        try await fixture.server.store.put(fixture.uri, Bytes([1]))
        let refusal = await code { _ = try await fixture.launcher.get(fixture.uri) }
        #expect(refusal?.code == .permissionDenied)
        #expect(try await fixture.launcher.serverInfo().counters.isEmpty)
        await fixture.stop()
    }

    @Test func `W-100 a socket for launchers is its user's alone`() throws {
        let refusal = #expect(throws: BlobError.self) {
            try TestServer(configure: { listener in
                listener.mode = 0o660
                listener.policy.administersListeners = true
            })
        }
        #expect(refusal?.code == .invalidArgument)
        #expect(refusal?.message.contains("0600") == true)
    }

    @Test func `W-102 a launcher cannot make a launcher, nor a policy`() async throws {
        let fixture = try await LauncherFixture()
        let refusal = await code {
            try await fixture.launcher.addListener(text: fixture.path("x.admin"))
        }
        #expect(refusal?.code == .invalidArgument)
        let path = try await fixture.launcher.addListener(text: fixture.path("job"))
        var policy = ListenerPolicy.untrusted
        policy.administersListeners = true
        #expect(throws: BlobError.self) {
            try fixture.server.server.setPolicy(policy, at: path)
        }
        await fixture.stop()
    }

    @Test func `W-102 a text that is wrong is refused with its key`() async throws {
        let fixture = try await LauncherFixture()
        let refusal = await code { try await fixture.launcher.addListener(text: "pth") }
        #expect(refusal?.code == .invalidArgument)
        #expect(refusal?.message.contains("'pth'") == true)
        let zero = await code {
            try await fixture.launcher.addListener(
                text: fixture.path("job"), options: ListenerOptions(leaseSeconds: 0))
        }
        #expect(zero?.code == .invalidArgument)
        #expect(try await fixture.launcher.listListeners().count == 1)
        await fixture.stop()
    }

    @Test func `W-101 two launchers want one path, and one gets it`() async throws {
        let fixture = try await LauncherFixture()
        let other = try await fixture.server.connect()
        let path = fixture.path("job")
        let won = await withTaskGroup(of: BlobError?.self) { group in
            for client in [fixture.launcher, other, fixture.launcher, other] {
                group.addTask { await code { try await client.addListener(text: path) } }
            }
            return await group.reduce(into: [BlobError?]()) { $0.append($1) }
        }
        #expect(won.count { $0 == nil } == 1)
        #expect(won.compactMap { $0?.code } == [.conflict, .conflict, .conflict])
        // One of the file is nobody's either.
        let taken = await code {
            try await other.addListener(text: fixture.server.socketPath)
        }
        #expect(taken?.code == .conflict)
        #expect(try await other.listListeners().map(\.path) == [path, fixture.server.socketPath])
        await other.close()
        await fixture.stop()
    }

    @Test func `W-104 a list says what there is`() async throws {
        let fixture = try await LauncherFixture()
        let path = try await fixture.launcher.addListener(
            text: fixture.path("job"), options: ListenerOptions(leaseSeconds: 3600))
        let peer = try await RawPeer.open(path: path)
        try await peer.call(.info)
        _ = try await peer.read(until: .response)
        let listeners = try await fixture.launcher.listListeners()
        let job = try #require(listeners.first { $0.path == path })
        #expect(job.connectionCount == 1 && job.isAdded && !job.endsWithCaller)
        #expect((3000...3600).contains(job.leaseSeconds ?? 0))
        #expect(job.policy.hasPrefix("blob://data/: "))
        let own = try #require(listeners.first { $0.path != path })
        #expect(!own.isAdded && own.leaseSeconds == nil && own.connectionCount == 1)
        #expect(own.policy == "adds and removes sockets")
        await fixture.stop()
    }
}
