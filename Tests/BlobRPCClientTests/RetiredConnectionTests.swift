import BlobCore
import BlobWire
import TestKit
import Testing

@testable import BlobRPCClient

/// A call that chose its connection just before GOAWAY came.
@Suite(.timeLimit(.minutes(10))) struct RetiredConnectionTests {
    @Test func `W-56 a call on a connection that goes away is refused, not kept waiting`()
        async throws
    {
        let mayAnswer = Event()
        let hasBegun = Event()
        let server = try TestServer(wrapping: { store in
            ObservedStore(store) { (operation) throws(BlobError) in
                guard operation == .head else { return }
                hasBegun.signal()
                do { try await mayAnswer.wait() } catch { throw BlobError.cancelled }
            }
        })
        let client = try await server.connect()
        let uri = try server.uri("absent")
        let connection = try await client.connector.connection()
        let running = Task { try await client.head(uri) }
        try await hasBegun.wait()
        let stopping = Task { await server.stop() }
        // Each PONG is one more chance that GOAWAY came before it.
        while connection.isUsable { try await connection.ping() }
        let handle = CallHandle(loop: client.loop, PendingCall(operation: .delete))
        let payload = try BlobRequest(.delete(uri), timeout: nil).encodedPayload()
        let refusal = await #expect(throws: BlobError.self) {
            try await connection.perform(handle, payload: payload, body: .none, timeout: nil)
        }
        #expect(refusal?.retry == .notStarted)
        mayAnswer.signal()
        let answer = await running.result
        let missing = #expect(throws: BlobError.self) { try answer.get() }
        #expect(missing?.code == .notFound, "the call that ran is answered")
        await stopping.value
        await client.close()
    }
}
