import BlobCore
import BlobRPCClient
import BlobRPCServer
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing

/// The kernel at its worst: short transfers, EAGAIN, EINTR and no descriptors left.
@Suite(.timeLimit(.minutes(10))) struct FaultTests {
    /// Calls that transfer at most a few bytes and now and then nothing at all.
    private static func stingy() -> SystemCalls {
        var calls = SystemCalls.live
        let live = SystemCalls.live
        let turns = Turns()
        calls.receiveMessage = { socket, message, flags in
            turns.transfer { limit in
                withShortened(message.pointee, to: limit) { short in
                    defer { message.pointee.msg_controllen = short.msg_controllen }
                    return live.receiveMessage(socket, &short, flags)
                }
            }
        }
        calls.sendMessage = { socket, message, flags in
            turns.transfer { limit in
                withShortened(message.pointee, to: limit) { short in
                    live.sendMessage(socket, &short, flags)
                }
            }
        }
        calls.sendFile = { socket, file, offset, byteCount in
            turns.transfer { limit in live.sendFile(socket, file, offset, min(byteCount, limit)) }
        }
        return calls
    }

    /// Calls `body` with the first buffer of `message` alone, cut to `byteCountMax` bytes.
    private static func withShortened(
        _ message: msghdr, to byteCountMax: Int, _ body: (inout msghdr) -> Int
    ) -> Int {
        var vector = message.msg_iov.pointee
        vector.iov_len = min(vector.iov_len, byteCountMax)
        return withUnsafeMutablePointer(to: &vector) { vector in
            var short = message
            short.msg_iov = vector
            short.msg_iovlen = 1
            return body(&short)
        }
    }

    @Test func `short transfers, EAGAIN and EINTR change nothing`() async throws {
        let server = try TestServer(systemCalls: Self.stingy())
        let client = try await server.connect()
        let body = Bytes((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let uri = try server.uri("body")
        try await client.put(uri, body)
        #expect(try await client.get(uri) == body)
        #expect(try await client.head(uri).byteCount == 300_000)
        await client.close()
        await server.stop()
    }

    @Test func `without descriptors accepting pauses and recovers`() async throws {
        let wasRefused = Event()
        let live = SystemCalls.live
        let isExhausted = Mutex(false)
        var calls = live
        calls.accept = { listener in
            if isExhausted.withLock({ $0 }) {
                wasRefused.signal()
                return -Int(EMFILE)
            }
            return live.accept(listener)
        }
        let server = try TestServer(systemCalls: calls)
        let first = try await server.connect()
        isExhausted.withLock { $0 = true }
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .seconds(300)
        async let second = server.connect(configuration)
        try await wasRefused.wait()
        // The one that is connected is served on.
        _ = try await first.ping()
        isExhausted.withLock { $0 = false }
        let connected = try await second
        _ = try await connected.ping()
        #expect((server.server.metrics.snapshot["accept.paused"] ?? 0) >= 1)
        await first.close()
        await connected.close()
        await server.stop()
    }
}

/// Decides, call by call, what goes wrong.
private final class Turns: Sendable {
    private let counter = Atomic<Int>(0)

    /// Answers EINTR or EAGAIN, or what `body` does with at most so many bytes.
    func transfer(_ body: (_ byteCountMax: Int) -> Int) -> Int {
        let turn = counter.wrappingAdd(1, ordering: .relaxed).newValue
        if turn % 5 == 0 { return -Int(EINTR) }
        if turn % 7 == 0 { return -Int(EAGAIN) }
        return body(turn % 3 == 0 ? 1 : 700)
    }
}
