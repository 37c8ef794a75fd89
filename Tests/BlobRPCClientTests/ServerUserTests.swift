import BlobCore
import BlobRPCClient
import Glibc
import LinuxIO
import TestKit
import Testing

/// A client that says who may serve it.
@Suite(.timeLimit(.minutes(3))) struct ServerUserTests {
    @Test func `a client connects to a server that runs as a user it allows`() async throws {
        let server = try TestServer()
        var configuration = ClientConfiguration()
        configuration.allowedServerUserIDs = [geteuid(), geteuid() + 1]
        let client = try await server.connect(configuration)
        _ = try await client.serverInfo()
        await client.close()
        await server.stop()
    }

    @Test(arguments: [[], [geteuid() + 1]])
    func `a server of another user gets no byte`(allowed: [UInt32]) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/s"
        let listener = try UnixListener.bind(path: path, mode: 0o600, backlog: 8)
        var configuration = ClientConfiguration()
        configuration.allowedServerUserIDs = Set(allowed)
        let error = await #expect(throws: BlobError.self) {
            try await BlobClient.connect(path: path, configuration: configuration)
        }
        #expect(error?.code == .unauthenticatedPeer)
        #expect(error?.retry == .never)
        #expect(error?.message.contains("\(path) is served by user \(geteuid()),") == true)
        // One connection came, was closed, and nothing is in it; nobody tried again.
        guard case .connection(let socket) = listener.accept() else {
            Issue.record("nobody connected")
            return
        }
        var byte: UInt8 = 0
        #expect(recv(socket.rawValue, &byte, 1, 0) == 0)
        guard case .wouldBlock = listener.accept() else {
            Issue.record("the client tried again")
            return
        }
        _ = listener.removePath()
    }
}
