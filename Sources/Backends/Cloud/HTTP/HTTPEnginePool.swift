internal import LinuxIO
internal import Synchronization

/// The engines of a process: one for each loop that asks, and one with a loop of its own for
/// callers that run on none.
final class HTTPEnginePool: Sendable {
    private struct State {
        var engines: [ObjectIdentifier: HTTPEngine] = [:]
        var ownLoop: EventLoop?
        var isClosed = false
    }

    private let settings: HTTPEngineSettings
    private let state = Mutex(State())

    init(settings: HTTPEngineSettings) {
        self.settings = settings
    }

    deinit { close() }

    /// The engine of the loop that the caller runs on, else the pool's own.
    func engine() throws(HTTPFailure) -> HTTPEngine {
        let current = EventLoop.current
        return try state.withLock { state throws(HTTPFailure) -> HTTPEngine in
            guard !state.isClosed else {
                throw HTTPFailure(.shutDown, "the engines are shut down")
            }
            let loop: EventLoop
            if let current {
                loop = current
            } else if let own = state.ownLoop {
                loop = own
            } else {
                loop = try Self.startLoop()
                state.ownLoop = loop
            }
            // An engine retains its loop, so no other loop can get the same identity meanwhile.
            if let engine = state.engines[ObjectIdentifier(loop)] { return engine }
            let engine = try HTTPEngine(loop: loop, settings: settings)
            state.engines[ObjectIdentifier(loop)] = engine
            return engine
        }
    }

    /// Ends all exchanges. Idempotent, from any thread, whether the loops still run or not: a loop
    /// that was shut down still runs what is handed to it.
    func close() {
        let (engines, ownLoop) = end()
        for engine in engines { engine.close() }
        ownLoop?.shutdown()
    }

    /// ``close()``, then waits until the connections are gone: a process that ends meanwhile would take
    /// OpenSSL away from under those that use TLS.
    func closeAndWait() async {
        let (engines, ownLoop) = end()
        for engine in engines { await engine.closeAndWait() }
        guard let ownLoop else { return }
        if ownLoop.isCurrent { ownLoop.shutdown() } else { ownLoop.shutdownAndWait() }
    }

    private func end() -> ([HTTPEngine], EventLoop?) {
        state.withLock { state in
            state.isClosed = true
            defer { state.engines = [:] }
            return (Array(state.engines.values), state.ownLoop.take())
        }
    }

    private static func startLoop() throws(HTTPFailure) -> EventLoop {
        do throws(SystemError) {
            return try EventLoop(name: "http")
        } catch {
            throw HTTPFailure(.engine, "no thread for HTTP exchanges: \(error)")
        }
    }
}
