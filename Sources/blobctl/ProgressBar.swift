import BlobCore
import Glibc
import Synchronization

/// Draws the progress of one transfer on standard error.
final class ProgressBar: Sendable {
    private struct State {
        var meter: ProgressMeter
        var byteCount: UInt64 = 0
        var isDrawn = false
    }

    private let sink: any OutputSink
    private let now: @Sendable () -> Duration
    private let state: Mutex<State>

    /// - Parameter now: The time of a steady clock.
    init(
        totalByteCount: UInt64?, sink: any OutputSink,
        now: @escaping @Sendable () -> Duration = ProgressBar.steadyTime
    ) {
        self.sink = sink
        self.now = now
        state = Mutex(
            State(meter: ProgressMeter(totalByteCount: totalByteCount, start: now())))
    }

    /// A bar for this console, or nil when it shows none.
    convenience init?(totalByteCount: UInt64?, console: Console) {
        guard console.showsProgress else { return nil }
        self.init(totalByteCount: totalByteCount, sink: console.errors)
    }

    /// Counts `byteCount` more bytes and redraws when it is time.
    func advance(by byteCount: Int) {
        state.withLock { state in
            state.byteCount += UInt64(byteCount)
            let text = state.meter.text(
                byteCount: state.byteCount, now: now(), columnCount: Self.columnCount())
            guard let text else { return }
            state.isDrawn = true
            ExitCleanup.setShowsProgress(true)
            // A terminal that cannot be written to must not fail the transfer.
            try? sink.write(ExitCleanup.eraseLine + text)
        }
    }

    /// Removes the bar from the terminal: before other output, and at every end.
    func clear() {
        state.withLock { state in
            guard state.isDrawn else { return }
            state.isDrawn = false
            try? sink.write(ExitCleanup.eraseLine)
            ExitCleanup.setShowsProgress(false)
        }
    }

    /// The width of the terminal on standard error; 80 where it does not say.
    private static func columnCount() -> Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return 80
        }
        return Int(size.ws_col)
    }

    /// The time since an arbitrary moment.
    @Sendable static func steadyTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// Counts what passes through a source.
final class ProgressSource: ByteSource {
    private let source: any ByteSource
    private let bar: ProgressBar
    private let pendingByteCount = Mutex(0)

    init(_ source: any ByteSource, bar: ProgressBar) {
        self.source = source
        self.bar = bar
    }

    /// The next bytes of the source. They count once the consumer comes back for more: only then
    /// has it sent them, or has at least promised room for them.
    func next() async throws(BlobError) -> Bytes? {
        bar.advance(by: pendingByteCount.withLock { $0 })
        let bytes = try await source.next()
        pendingByteCount.withLock { $0 = bytes?.count ?? 0 }
        return bytes
    }
}

extension BlobBody {
    /// The same body, counted by `bar`.
    func counted(by bar: ProgressBar?) -> BlobBody {
        guard let bar else { return self }
        return .stream(ProgressSource(makeSource(), bar: bar), byteCount: byteCount)
    }
}
