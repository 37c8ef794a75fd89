import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit

/// Reads a text that is the path of an untrusted socket with the mount `data`; a path that ends in
/// `.admin` asks for what nobody gets.
struct PathReader: ListenerReader {
    func listener(_ text: String) throws(BlobError) -> ListenerConfiguration {
        guard text.hasPrefix("/") else {
            throw BlobError(.invalidArgument, "listener: unknown key '\(text)'")
        }
        // Whatever follows is there to make the text another one.
        let path = text.split(separator: " ").first.map(String.init) ?? text
        var listener = ListenerConfiguration.untrusted(path: path, scope: .mounts(["data"]))
        // As those of the server's first socket: a test may be kept from the processor for a while.
        for limit in [
            \SessionTimeouts.handshake, \.partialFrame, \.writeStall, \.streamProgress,
        ] {
            listener.timeouts[keyPath: limit] = .seconds(300)
        }
        listener.abortsUploadsOnRemoval = !text.hasSuffix(" keeping")
        listener.policy.administersListeners = path.hasSuffix(".admin")
        return listener
    }
}

/// A server whose first socket is one for launchers.
struct LauncherFixture {
    let server: TestServer
    let launcher: BlobClient

    init(
        wrapping: (any BlobStore) -> any BlobStore = { $0 }
    ) async throws {
        server = try TestServer(
            listenerReader: PathReader(),
            configure: { listener in
                listener.policy.scope = .granted([])
                listener.policy.administersListeners = true
            }, wrapping: wrapping)
        launcher = try await server.connect()
    }

    /// Where a socket may be.
    func path(_ name: String) -> String { "\(server.directory.path)/\(name)" }

    /// A blob that the sockets are granted.
    let uri = BlobURI(scheme: .blob, container: "data", key: "blob")

    func stop() async {
        await launcher.close()
        await server.stop()
    }
}
