import BlobCore
import BlobRPCServer
import LinuxIO
import TestKit
import Testing

@testable import BlobWire

/// Who may use a socket, by the kernel's word.
@Suite struct PeerTests {
    /// A server that takes its peers for whom the test says.
    private func with(
        _ peer: PeerCredentials, configure: (inout ListenerConfiguration) -> Void,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var calls = SystemCalls.live
        calls.peerCredentials = { (_) throws(SystemError) in peer }
        let server = try TestServer(systemCalls: calls, configure: configure)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(server))
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        try outcome.get()
    }

    private func credentials(_ user: UInt32, _ group: UInt32) -> PeerCredentials {
        PeerCredentials(processID: 4711, userID: user, groupID: group)
    }

    @Test(
        "W-96 a peer that is not allowed is told once and closed",
        arguments: [
            (1000, 1000, true), (1001, 1001, false), (1001, 2000, true), (0, 0, false),
            (65534, 65534, false),
        ] as [(UInt32, UInt32, Bool)])
    func allowed(user: UInt32, group: UInt32, isAllowed: Bool) async throws {
        try await with(
            credentials(user, group),
            configure: {
                $0.userIDs = [1000]
                $0.groupIDs = [2000]
            }
        ) { server in
            guard isAllowed else {
                let peer = try RawPeer(path: server.socketPath)
                #expect(try await peer.readGoAwayCode() == .unauthenticatedPeer)
                return
            }
            let peer = try await RawPeer.open(path: server.socketPath)
            #expect(try await peer.error(.info) == nil)
        }
    }

    @Test func `W-96 an empty list lets nobody in, no list everybody`() async throws {
        try await with(credentials(0, 0), configure: { $0.userIDs = [] }) { server in
            let peer = try RawPeer(path: server.socketPath)
            #expect(try await peer.readGoAwayCode() == .unauthenticatedPeer)
        }
        try await with(credentials(4242, 4242), configure: { _ in }) { server in
            let peer = try await RawPeer.open(path: server.socketPath)
            #expect(try await peer.error(.info) == nil)
        }
    }

    @Test func `W-96 a peer that cannot be named is not let in`() async throws {
        var calls = SystemCalls.live
        calls.peerCredentials = { (_) throws(SystemError) in
            throw SystemError(errorNumber: 107, operation: "getsockopt(SO_PEERCRED)")
        }
        let server = try TestServer(systemCalls: calls)
        let peer = try RawPeer(path: server.socketPath)
        #expect(try await peer.read() == nil)
        #expect(server.server.metrics.snapshot["connections.refused"] == 1)
        await server.stop()
    }

    @Test func `W-96 a policy that becomes narrower ends the connection at its next call`()
        async throws
    {
        try await with(credentials(1000, 1000), configure: { $0.userIDs = [1000] }) { server in
            let peer = try await RawPeer.open(path: server.socketPath)
            #expect(try await peer.error(.info) == nil)
            var policy = ListenerPolicy()
            policy.userIDs = [1001]
            try server.server.setPolicy(policy, at: server.socketPath)
            try await peer.call(.info)
            #expect(try await peer.readGoAwayCode() == .unauthenticatedPeer)
        }
    }
}
