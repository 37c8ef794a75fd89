import BlobCore
import BlobRPCServer
import LinuxIO
import TestKit
import Testing

@testable import BlobWire

/// A connection too many costs nobody else anything.
@Suite struct ConnectionLimitTests {
    @Test func `a connection over the limit is told OVERLOADED and the others live on`()
        async throws
    {
        let server = try TestServer { $0.maximumConnectionCount = 1 }
        let first = try await RawPeer.open(path: server.socketPath)
        let second = try RawPeer(path: server.socketPath)
        #expect(try await second.readGoAwayCode() == .overloaded)
        let uri = try server.uri("absent")
        let id = try await first.call(.head(uri, GetOptions()))
        let answer = try await first.read(until: .response)
        #expect(answer?.header.streamID == id)
        await server.stop()
    }
}
