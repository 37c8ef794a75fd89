import BlobCore
import Glibc
import Testing

@testable import blobctl

@Suite struct SocketPathTests {
    @Test(arguments: [
        ("/run/user/7", UInt32(7), "/run/user/7/blobrpc/blobrpc.sock"),
        ("/run/user/0", 0, "/run/user/0/blobrpc/blobrpc.sock"),
        (nil, 0, "/run/blobrpc/blobrpc.sock"), (nil, 7, "/tmp/blobrpc-7/blobrpc.sock"),
        ("", 7, "/tmp/blobrpc-7/blobrpc.sock"), ("relative", 7, "/tmp/blobrpc-7/blobrpc.sock"),
    ])
    func defaults(directory: String?, user: UInt32, expected: String) {
        #expect(
            DefaultPaths.socketPath(runtimeDirectory: directory, userID: user) == expected)
    }

    @Test func optionBeatsVariableBeatsDefault() {
        func path(_ option: String?, _ variable: String?) -> SocketPath {
            SocketPath(option: option, variable: variable, defaultPath: "/default")
        }
        #expect(path("/option", "/variable").path == "/option")
        #expect(path(nil, "/variable").path == "/variable")
        #expect(path(nil, "").path == "/default")
        #expect(path(nil, nil).isDefault)
        #expect(!path(nil, "/variable").isDefault)
    }

    @Test func refusesADefaultThatOthersCanReplace() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/blobrpc.sock"
        try SocketPath(option: nil, variable: nil, defaultPath: path).checkOwner()
        chmod(directory.path, 0o777)
        #expect(throws: BlobError.self) {
            try SocketPath(option: nil, variable: nil, defaultPath: path).checkOwner()
        }
        // Whoever names a socket has decided.
        try SocketPath(option: path, variable: nil).checkOwner()
    }

    @Test func connectionFailuresAreUnreachable() {
        let missing = Connection.failure(BlobError(.notFound, "no socket"), path: "/s")
        #expect(FailureReport(missing).status == .unreachable)
        #expect(missing.message.contains("/s"))
        let refused = Connection.failure(BlobError(.unauthenticatedPeer, "no"), path: "/s")
        #expect(FailureReport(refused).status == .permissionDenied)
        let draining = Connection.failure(BlobError(.shuttingDown, "no"), path: "/s")
        #expect(FailureReport(draining).status == .retryable)
    }
}
