import Foundation
import Glibc
import TestKit

/// What a service manager does for the server: makes its sockets, starts it, hears its notices.
final class Manager: Sendable {
    let directory: TemporaryDirectory
    private let listeners: [(name: String, socket: BoundSocket)]
    private let notices: BoundSocket

    /// - Parameter names: Of the sockets to hand over; none for a server that makes its own.
    init(_ names: [String]) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        listeners = try names.map { name in
            (name, try BoundSocket(SOCK_STREAM, path: "\(directory.path)/\(name)", backlog: 512))
        }
        notices = try BoundSocket(SOCK_DGRAM, path: "\(directory.path)/notify")
        try FileManager.default.createDirectory(
            atPath: rootPath, withIntermediateDirectories: true)
    }

    var rootPath: String { "\(directory.path)/root" }

    func socketPath(_ name: String) -> String { "\(directory.path)/\(name)" }

    /// Starts the server as a manager does: its number is known only to itself, so a shell says it.
    ///
    /// - Parameter prelude: For the shell, before the server takes its place.
    func start(
        _ arguments: [String] = [], environment: [String: String] = [:], prelude: String = ":"
    ) async throws -> ServerProcess {
        var environment = environment
        environment["NOTIFY_SOCKET"] = notices.path
        var script = "\(prelude); "
        if !listeners.isEmpty {
            script += "export LISTEN_PID=$$ LISTEN_FDS=\(listeners.count)"
            script += " LISTEN_FDNAMES=\(listeners.map(\.name).joined(separator: ":")); "
        }
        script += "exec \"$0\" \"$@\""
        return try await ServerProcess.start(
            socketPath: socketPath(listeners.first?.name ?? "own"),
            command: [
                "/bin/sh", "-c", script, "\(ServerProcess.productsDirectory)/blobrpcd", "--root",
                rootPath, "--log-level", "error",
            ] + arguments, environment: environment,
            inherited: listeners.map(\.socket.descriptor))
    }

    /// Leaves no room for a notice.
    func fillWithNotices() { notices.fill() }

    /// The next notice of the server that has `text` in it; others are passed over.
    func notice(_ text: String) async throws -> String {
        while true {
            let notice = try await notices.nextDatagram()
            if notice.contains(text) { return notice }
        }
    }
}

/// A socket at a path, as a service manager makes them.
private final class BoundSocket: Sendable {
    let path: String
    let descriptor: Int32

    init(_ type: __socket_type, path: String, backlog: Int32? = nil) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            target.copyBytes(from: path.utf8.prefix(target.count - 1))
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, backlog.map({ listen(descriptor, $0) }) ?? 0 == 0 else {
            throw SocketError(code: errno)
        }
    }

    deinit { close(descriptor) }

    /// Sends datagrams to itself until no more fit.
    func fill() {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(descriptor, $0, &size)
                while sendto(descriptor, "x", 1, Int32(MSG_DONTWAIT), $0, size) == 1 {}
            }
        }
    }

    /// Waits on a thread of its own: the pool's threads belong to the tests.
    func nextDatagram() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [self] in
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count < 0 {
                    continuation.resume(throwing: SocketError(code: errno))
                } else {
                    continuation.resume(
                        returning: String(decoding: buffer.prefix(count), as: UTF8.self))
                }
            }
        }
    }
}

struct SocketError: Error {
    let code: Int32
}
