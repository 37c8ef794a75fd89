import BlobCore
import BlobRPCClient
import BlobRPCServer
import LinuxIO
import Synchronization
import TestKit
import Testing

/// T9: peers of untrusted sockets wait for each other, and nobody else waits for them.
@Suite(.timeLimit(.minutes(3))) struct UntrustedLoopTests {
    @Test(arguments: [true, false])
    func `T9 calls of an untrusted socket run on loops of low priority`(
        _ isTrusted: Bool
    ) async throws {
        let priority = Mutex<ThreadPriority?>(nil)
        let server = try TestServer(
            configure: { $0.policy.isTrusted = isTrusted },
            wrapping: { store in
                ObservedStore(store) { _ throws(BlobError) in
                    priority.withLock { $0 = EventLoop.current?.priority }
                }
            })
        let client = try await server.connect()
        _ = try? await client.head(try server.uri("none"))
        #expect(priority.withLock { $0 } == (isTrusted ? .normal : .background))
        await client.close()
        await server.stop()
    }

    @Test func `W-99 connections over the rate wait to be accepted`() async throws {
        let server = try TestServer {
            $0.policy.connectionRate = RateLimit(perSecond: 2, burst: 1)
        }
        let start = ContinuousClock.now
        var peers: [RawPeer] = []
        for _ in 0..<4 { peers.append(try await RawPeer.open(path: server.socketPath)) }
        // The first has the burst, the second makes the debt; two wait half a second each.
        #expect(ContinuousClock.now - start >= .milliseconds(900))
        #expect(server.server.metrics.snapshot["connections.accepted"] == 4)
        peers.removeAll()
        await server.stop()
    }
}
