internal import Foundation
internal import Glibc
internal import LinuxIO

/// Waits until files below a directory are as a test wants them: inotify(7) says when to look.
public final class TreeWatch: Sendable {
    private static let changes = UInt32(
        IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)

    private let path: String
    private let descriptor: Int32
    /// Blocks instead of the threads that run the tests.
    private let thread = BlockingPool(name: "tree-watch", threadCount: 1)

    /// Watches `path` and every directory below it.
    public init(_ path: String) throws {
        self.path = path
        descriptor = inotify_init1(O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw SystemError(errorNumber: errno, operation: "inotify_init1")
        }
    }

    deinit { close(descriptor) }

    /// Waits until `condition` holds; it is asked again after every change below the directory.
    ///
    /// - Throws: `SystemError` with ETIMEDOUT when nothing changes for ten minutes.
    public func wait(until condition: @escaping @Sendable () -> Bool) async throws {
        try await thread.run { try self.waitBlocking(until: condition) }
    }

    private func waitBlocking(until condition: () -> Bool) throws {
        while true {
            // Before the question: what changes after the answer is then seen. A directory that is
            // made later changes its parent, and is watched in the next turn.
            addWatches()
            if condition() { return }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let outcome = poll(&request, 1, 600_000)
            if outcome < 0, errno == EINTR { continue }
            guard outcome > 0 else {
                throw SystemError(
                    errorNumber: outcome == 0 ? ETIMEDOUT : errno, operation: "poll")
            }
            dropEvents()
        }
    }

    private func addWatches() {
        inotify_add_watch(descriptor, path, Self.changes)
        let names = FileManager.default.enumerator(atPath: path)
        while let name = names?.nextObject() as? String {
            // Fails for everything that is not, or no longer, a directory.
            inotify_add_watch(
                descriptor, "\(path)/\(name)", Self.changes | UInt32(IN_ONLYDIR))
        }
    }

    private func dropEvents() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while read(descriptor, &buffer, buffer.count) > 0 {}
    }
}
