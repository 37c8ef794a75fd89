import BlobCore
import BlobRPCClient
import BlobRPCServer
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing

/// The kernel at its worst: short transfers, EAGAIN, EINTR and no descriptors left.
@Suite struct FaultTests {
    /// Calls that transfer at most a few bytes and now and then nothing at all.
    private static func stingy() -> SystemCalls {
        var calls = SystemCalls.live
        let live = SystemCalls.live
        let counter = Atomic<Int>(0)
        func shorten(_ message: msghdr) -> msghdr {
            var message = message
            if message.msg_iovlen > 1 { message.msg_iovlen = 1 }
            return message
        }
        calls.receiveMessage = { socket, message, flags in
            let turn = counter.wrappingAdd(1, ordering: .relaxed).newValue
            if turn % 5 == 0 { return -Int(EINTR) }
            if turn % 7 == 0 { return -Int(EAGAIN) }
            var vector = message.pointee.msg_iov.pointee
            vector.iov_len = min(vector.iov_len, turn % 3 == 0 ? 1 : 700)
            return withUnsafeMutablePointer(to: &vector) { vector in
                var short = message.pointee
                short.msg_iov = vector
                short.msg_iovlen = 1
                defer { message.pointee.msg_controllen = short.msg_controllen }
                return live.receiveMessage(socket, &short, flags)
            }
        }
        calls.sendMessage = { socket, message, flags in
            let turn = counter.wrappingAdd(1, ordering: .relaxed).newValue
            if turn % 5 == 0 { return -Int(EINTR) }
            if turn % 7 == 0 { return -Int(EAGAIN) }
            var vector = message.pointee.msg_iov.pointee
            vector.iov_len = min(vector.iov_len, turn % 3 == 0 ? 1 : 700)
            return withUnsafeMutablePointer(to: &vector) { vector in
                var short = message.pointee
                short.msg_iov = vector
                short.msg_iovlen = 1
                return live.sendMessage(socket, &short, flags)
            }
        }
        calls.sendFile = { socket, file, offset, byteCount in
            let turn = counter.wrappingAdd(1, ordering: .relaxed).newValue
            if turn % 5 == 0 { return -Int(EINTR) }
            if turn % 7 == 0 { return -Int(EAGAIN) }
            return live.sendFile(socket, file, offset, min(byteCount, 900))
        }
        return calls
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
        let exhausted = Atomic<Int>(0)
        let live = SystemCalls.live
        let isExhausted = Mutex(false)
        var calls = live
        calls.accept = { listener in
            if isExhausted.withLock({ $0 }) {
                exhausted.add(1, ordering: .relaxed)
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
        while exhausted.load(ordering: .relaxed) == 0 { await Task.yield() }
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
