import BlobCore
import Glibc
import Synchronization

/// What has to be undone when the process ends in the middle: unfinished downloads on disk and a
/// progress line on the terminal.
///
/// It is global because a signal ends the process from another thread, without unwinding. Taking a
/// file out of the list and giving it its final name happen under one lock, so that the thread of
/// the signal never removes a finished file and never leaves an unfinished one.
enum ExitCleanup {
    private struct State {
        var unfinishedPaths: Set<String> = []
        var showsProgress = false
    }

    private static let state = Mutex(State())

    /// Removes the cursor's line from a terminal.
    static let eraseLine = "\r\u{1b}[K"

    /// Creates an unfinished file with `create` and remembers `path` when that succeeds.
    static func register<Result: Sendable>(
        _ path: String, create: () throws(BlobError) -> Result
    ) throws(BlobError) -> Result {
        try state.withLock { (state) throws(BlobError) -> Result in
            let result = try create()
            state.unfinishedPaths.insert(path)
            return result
        }
    }

    /// Gives the unfinished file its final name with `finish` and forgets it when that succeeds.
    static func settle(
        _ path: String, finish: () throws(BlobError) -> Void
    ) throws(BlobError) {
        try state.withLock { (state) throws(BlobError) in
            try finish()
            state.unfinishedPaths.remove(path)
        }
    }

    /// Removes an unfinished file, if it is still one.
    static func discard(_ path: String) {
        state.withLock { state in
            if state.unfinishedPaths.remove(path) != nil { unlink(path) }
        }
    }

    /// Remembers whether a progress line is on the terminal.
    static func setShowsProgress(_ value: Bool) {
        state.withLock { $0.showsProgress = value }
    }

    /// Undoes everything and ends the process at once.
    ///
    /// The lock is never given back: nothing may be created behind the back of the clean-up.
    static func exitNow(_ status: CommandStatus, saying line: String?) -> Never {
        state.withLock { state in
            for path in state.unfinishedPaths { unlink(path) }
            var text = state.showsProgress ? eraseLine : ""
            if let line { text += line + "\n" }
            _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            _exit(status.rawValue)
        }
    }
}
