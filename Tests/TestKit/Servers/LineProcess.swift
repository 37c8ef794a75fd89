package import Foundation
internal import Glibc
internal import Synchronization

/// A program that is spoken to in lines, over one socket that is its standard input and output.
///
/// The program is to end when its input ends: this process may be killed at any time, and then only
/// the kernel closes the socket.
package final class LineProcess: Sendable {
    private let descriptor: Int32
    private let identifier: pid_t
    /// Lines of several tests must not mix.
    private let isOpen = Mutex(true)

    /// Starts the program. `receive` gets each line it writes, and at last nil, on a thread of its own.
    package init(
        command: [String], receive: @escaping @Sendable (_ line: Data?) -> Void
    ) throws(ServerProcessError) {
        var ends: [Int32] = [-1, -1]
        // Closed on exec: another program that a test starts must not hold the input open.
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ServerProcessError(description: "socketpair: errno \(errno)")
        }
        defer { close(ends[1]) }
        descriptor = ends[0]
        do throws(ServerProcessError) {
            identifier = try Self.spawn(command, end: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        let descriptor = ends[0]
        Thread.detachNewThread { Self.readLines(from: descriptor, receive: receive) }
    }

    /// With posix_spawn(3), as `ServerProcess` has it.
    private static func spawn(
        _ command: [String], end: Int32
    ) throws(ServerProcessError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var identifier: pid_t = 0
        let failure = posix_spawn(&identifier, command[0], &actions, nil, &words, environ)
        guard failure == 0 else {
            throw ServerProcessError(description: "cannot start \(command[0]): errno \(failure)")
        }
        return identifier
    }

    private static func readLines(
        from descriptor: Int32, receive: @Sendable (_ line: Data?) -> Void
    ) {
        var pending = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            var start = 0
            while let end = lineEnd(in: buffer, start..<count) {
                pending.append(contentsOf: buffer[start..<end])
                receive(pending)
                pending = Data()
                start = end + 1
            }
            pending.append(contentsOf: buffer[start..<count])
        }
        receive(nil)
    }

    /// By memchr(3): lines are as long as blobs, and an unoptimised build takes a while for each
    /// byte.
    private static func lineEnd(in buffer: [UInt8], _ range: Range<Int>) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress,
                let end = memchr(start + range.lowerBound, Int32(UInt8(ascii: "\n")), range.count)
            else { return nil }
            return UnsafeRawPointer(end) - start
        }
    }

    /// Writes one line; false when the program has ended.
    package func send(_ line: Data) -> Bool {
        isOpen.withLock { isOpen in
            guard isOpen else { return false }
            var rest = Array(line + [UInt8(ascii: "\n")])[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }

    /// Ends the input and waits until the program has ended.
    package func end() {
        let isFirst = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard isFirst else { return }
        // The reading thread still has the descriptor, so it is shut down and not closed: a handful
        // of them for each run of the tests.
        shutdown(descriptor, Int32(SHUT_WR))
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    }
}
