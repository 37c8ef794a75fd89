public import BlobCore
internal import Glibc
internal import LinuxIO
internal import Synchronization

/// Writes the audit as lines of JSON to a file or to standard error.
///
/// A thread of its own writes. Records wait for it in a queue of bounded length, and of each socket no
/// more than so many a second are taken: what comes beyond is dropped, and the next line says how many
/// were.
public final class AuditLog: AuditSink {
    /// Where the lines go.
    public enum Destination: Sendable, Hashable {
        /// Standard error.
        case standardError
        /// A file, created with mode 0600 and appended to.
        case file(String)
    }

    private struct State {
        var queue: [AuditRecord] = []
        var droppedCount: UInt64 = 0
        /// By socket: one that is flooded does not silence the others.
        var rates: [String: TokenBucket] = [:]
        var isWriting = false
        var isReopening = false
        var isClosing = false
    }

    /// Records that wait to be written; 1.5 KiB each at most, or 3 for a copy.
    static let maximumQueueCount = 4096

    /// Rates of sockets that are remembered; those that have recovered are forgotten first.
    private static let maximumRateCount = 1024

    private let destination: Destination
    private let limit: RateLimit
    private let writer = BlockingPool(name: "blobrpc-audit", threadCount: 1)
    private let state = Mutex(State())
    /// Touched by the writer's jobs, of which there is one at a time.
    private let output: Mutex<Int32>

    /// Opens the destination; blocks.
    ///
    /// - Parameter linesPerSecond: What each socket may have written.
    /// - Throws: `invalidArgument` for a file that cannot be opened.
    public init(_ destination: Destination, linesPerSecond: UInt64 = 1000) throws(BlobError) {
        self.destination = destination
        limit = RateLimit(perSecond: linesPerSecond)
        output = Mutex(try Self.open(destination))
    }

    deinit {
        if destination != .standardError { _ = Glibc.close(output.withLock { $0 }) }
    }

    private static func open(_ destination: Destination) throws(BlobError) -> Int32 {
        guard case .file(let path) = destination else { return STDERR_FILENO }
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else {
            throw BlobError(
                .invalidArgument, "cannot open the audit log \(path): errno \(errno)")
        }
        return descriptor
    }

    /// Takes a record to be written, or counts it as dropped. Never waits.
    public func record(_ record: AuditRecord) {
        let mustStart = state.withLock { state in
            guard !state.isClosing, state.queue.count < Self.maximumQueueCount,
                Self.take(of: record.listener, limit, &state)
            else {
                state.droppedCount += 1
                return false
            }
            state.queue.append(record)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { start() }
    }

    private static func take(
        of listener: String, _ limit: RateLimit, _ state: inout State
    ) -> Bool {
        if state.rates.count >= maximumRateCount, state.rates[listener] == nil {
            let now = ContinuousClock.now
            state.rates = state.rates.filter { !$0.value.isFull(of: limit, now: now) }
            guard state.rates.count < maximumRateCount else { return false }
        }
        return state.rates[listener, default: TokenBucket()].take(1, of: limit, now: .now) == nil
    }

    /// Opens the file anew, before the next line: its old one may have been renamed.
    public func reopen() {
        let mustStart = state.withLock { state in
            state.isReopening = true
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { start() }
    }

    /// Writes what waits and how much was dropped, and takes nothing more; blocks.
    public func close() {
        let mustStart = state.withLock { state in
            state.isClosing = true
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { start() }
        writer.shutdownAndWait()
    }

    private func start() {
        do {
            try writer.submit { [self] in write() }
        } catch {
            state.withLock { state in
                state.isWriting = false
                state.droppedCount += UInt64(state.queue.count)
                state.queue = []
            }
        }
    }

    private func write() {
        while let (records, droppedCount, isReopening) = takeQueue() {
            if isReopening { openAnew() }
            var text = records.map(AuditLine.text).joined()
            if droppedCount > 0 {
                text += AuditLine.text(ofDropped: droppedCount, at: .now)
            }
            let isWritten = output.withLock { Self.write(text, to: $0) }
            guard isWritten else {
                // A full disk, for example: the next line that can be written tells of it.
                return state.withLock { state in
                    state.droppedCount += UInt64(records.count) + droppedCount
                    state.isWriting = false
                }
            }
        }
    }

    private func takeQueue() -> (records: [AuditRecord], dropped: UInt64, isReopening: Bool)? {
        state.withLock { state in
            let isLast = state.isClosing && state.droppedCount > 0
            guard !state.queue.isEmpty || state.isReopening || isLast else {
                state.isWriting = false
                return nil
            }
            defer {
                state.queue = []
                state.droppedCount = 0
                state.isReopening = false
            }
            return (state.queue, state.droppedCount, state.isReopening)
        }
    }

    /// Keeps the old file when the new one cannot be opened.
    private func openAnew() {
        guard destination != .standardError, let new = try? Self.open(destination) else { return }
        output.withLock { output in
            _ = Glibc.close(output)
            output = new
        }
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            bytes = bytes.dropFirst(written)
        }
        return true
    }
}
