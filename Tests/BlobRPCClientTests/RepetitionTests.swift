import BlobCore
import BlobRPCClient
import BlobRPCServer
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing

/// What the client does again by itself after a connection was lost, and what it leaves to its caller.
@Suite(.timeLimit(.minutes(10))) struct RepetitionTests {
    /// A server on which the first call of each operation never ends, and whose connection can be
    /// broken in the middle of it.
    private final class BreakableServer: Sendable {
        let server: TestServer
        private let isBreaking: MutexReference<Bool>
        private let counts: MutexReference<[BlobOperation: Int]>
        private let began: [BlobOperation: Event]

        init() throws {
            let isBreaking = MutexReference(false)
            let counts = MutexReference<[BlobOperation: Int]>([:])
            let began: [BlobOperation: Event] = [.put: Event(), .head: Event()]
            var calls = SystemCalls.live
            calls.receiveMessage = { socket, message, flags in
                let breaks = isBreaking.value.withLock { isBreaking in
                    defer { isBreaking = false }
                    return isBreaking
                }
                if breaks { return -Int(ECONNRESET) }
                return SystemCalls.live.receiveMessage(socket, message, flags)
            }
            let intercept: ObservedStore.Interception = { (operation) throws(BlobError) in
                let count = counts.value.withLock { counts in
                    counts[operation, default: 0] += 1
                    return counts[operation]
                }
                guard count == 1 else { return }
                began[operation]?.signal()
                do { try await Event().wait() } catch { throw BlobError.cancelled }
            }
            server = try TestServer(
                systemCalls: calls, wrapping: { ObservedStore($0, intercept: intercept) })
            self.isBreaking = isBreaking
            self.counts = counts
            self.began = began
        }

        func count(_ operation: BlobOperation) -> Int {
            counts.value.withLock { $0[operation] ?? 0 }
        }

        /// Breaks the connection of `client` once the call of `operation` runs.
        func breakConnection(of client: BlobClient, during operation: BlobOperation) async throws {
            try await began[operation]?.wait()
            isBreaking.value.withLock { $0 = true }
            // The server notices when it next reads.
            _ = try? await client.ping()
        }
    }

    @Test func `W-61 after a lost connection a put is not repeated, a head is`() async throws {
        let breakable = try BreakableServer()
        let server = breakable.server
        let client = try await server.connect()
        let uri = try server.uri("blob")
        try server.directory.write("four", to: "root/blob")
        let put = Task { try await client.put(uri, Bytes([1])) }
        try await breakable.breakConnection(of: client, during: .put)
        let result = await put.result
        let error = #expect(throws: BlobError.self) { try result.get() }
        #expect(error?.code == .connectionLost)
        #expect(breakable.count(.put) == 1)
        #expect(server.directory.text(of: "root/blob") == "four")
        let head = Task { try await client.head(uri) }
        try await breakable.breakConnection(of: client, during: .head)
        #expect(try await head.value.byteCount == 4)
        #expect(breakable.count(.head) == 2)
        await client.close()
        await server.stop()
    }
}

/// A mutex that closures share.
private final class MutexReference<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }
}
