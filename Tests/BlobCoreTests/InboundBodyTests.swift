import Synchronization
import Testing

@testable import BlobCore

@Suite struct InboundBodyTests {
    @Test func `pieces come out in order and every byte is reported once`() async throws {
        let reported = Mutex(0)
        let body = InboundBody { count in reported.withLock { $0 += count } }
        let large = Bytes([UInt8](repeating: 9, count: 5000))
        for piece in [Bytes([1]), Bytes([2, 3]), large, Bytes([4])] {
            #expect(body.append(piece, isLast: false) == 0)
        }
        #expect(body.append(Bytes(), isLast: true) == 0)
        var collected: [UInt8] = []
        while let bytes = try await body.next() { collected += Array(bytes) }
        #expect(collected == [1, 2, 3] + Array(large) + [4])
        #expect(reported.withLock { $0 } == 5004)
    }

    @Test func `single bytes are merged while they wait`() async throws {
        let body = InboundBody { _ in }
        for _ in 0..<100_000 { _ = body.append(Bytes([7]), isLast: false) }
        let first = try await body.next()
        #expect((first?.count ?? 0) >= 64 << 10)
    }

    @Test func `a failure hands back what nobody takes`() async {
        let reported = Mutex(0)
        let body = InboundBody(reportByteCount: 1000) { count in reported.withLock { $0 += count } }
        _ = body.append(Bytes([1, 2, 3]), isLast: false)
        _ = try? await body.next()
        _ = body.append(Bytes([4, 5]), isLast: false)
        let dropped = body.fail(.cancelled)
        #expect(dropped + reported.withLock { $0 } == 5)
        #expect(body.append(Bytes([6]), isLast: false) == 1)
        await #expect(throws: BlobError.self) { try await body.next() }
    }

    @Test func `a waiting consumer is woken by bytes, the end and a failure`() async throws {
        let body = InboundBody { _ in }
        // An immediate task runs until it waits before its creator goes on.
        let first = Task.immediate { try await body.next() }
        #expect(body.waitingSince != nil)
        _ = body.append(Bytes([1]), isLast: false)
        #expect(try await first.value == [1])
        let second = Task.immediate { try await body.next() }
        #expect(body.waitingSince != nil)
        _ = body.append(Bytes(), isLast: true)
        #expect(try await second.value == nil)
        let third = InboundBody { _ in }
        let failing = Task.immediate { try await third.next() }
        #expect(third.waitingSince != nil)
        #expect(third.fail(.cancelled) == 0)
        await #expect(throws: BlobError.self) { try await failing.value }
    }
}
