internal import Glibc
public import LinuxIO
internal import Synchronization

/// An HTTP server that does what a test says, on a port of the loopback interface.
///
///     let server = try ScriptedHTTPServer { request in
///         request.path == "/missing" ? ScriptedResponse(status: 404) : ScriptedResponse(text: "hello")
///     }
///     defer { server.stop() }
///
/// It runs on an event loop of its own. Stop it, or its thread stays.
public final class ScriptedHTTPServer: Sendable {
    /// Answers a request that was read with its body.
    public typealias Script = @Sendable (ScriptedRequest) async -> ScriptedResponse
    /// Answers a request before its body is read; nil reads on.
    public typealias EarlyScript = @Sendable (ScriptedRequest) async -> ScriptedResponse?

    private struct State {
        var requests: [ScriptedRequest] = []
        var incompleteRequests: [ScriptedRequest] = []
        var requestCount = 0
        var connectionCount = 0
        var uploadByteCount = 0
        var open: [Int: ScriptedConnection] = [:]
        var isStopped = false
        var waiters: [(condition: @Sendable (Counts) -> Bool, event: Event)] = []

        var counts: Counts {
            Counts(
                requests: requests.count, incompleteRequests: incompleteRequests.count,
                connections: connectionCount, openConnections: open.count,
                uploadedBytes: uploadByteCount)
        }
    }

    /// What the server has seen.
    public struct Counts: Sendable, Equatable {
        /// Requests read whole, or answered early.
        public var requests: Int
        /// Requests whose connection ended before their body.
        public var incompleteRequests: Int
        /// Connections accepted.
        public var connections: Int
        /// Connections that are open now.
        public var openConnections: Int
        /// Bytes of bodies that arrived.
        public var uploadedBytes: Int
    }

    /// The loop that it runs on.
    public let loop: EventLoop
    /// The port on 127.0.0.1.
    public let port: UInt16
    /// Happens when a client first takes no more bytes.
    public let isBlocked = Event()
    let script: Script
    let early: EarlyScript
    private let state = Mutex(State())
    private let listener: Int32

    /// Starts a server that asks `early` for each head and `script` for each whole request.
    ///
    /// - Parameter port: Where to listen; any free port without.
    public init(
        port: ReservedPort? = nil, early: @escaping EarlyScript = { _ in nil },
        _ script: @escaping Script
    ) throws {
        self.script = script
        self.early = early
        loop = try EventLoop(name: "scripted-http")
        (listener, self.port) = try Self.listen(port)
        loop.execute { [self] in accept() }
    }

    /// Starts a server that gives these responses one after the other, whatever is asked; the last
    /// one again and again.
    public convenience init(_ responses: [ScriptedResponse]) throws {
        try self.init { request in
            responses.isEmpty
                ? ScriptedResponse([.close]) : responses[min(request.index, responses.count - 1)]
        }
    }

    /// The URL of a target that begins with a slash.
    public func url(_ target: String = "/") -> String { "http://127.0.0.1:\(port)\(target)" }

    /// The requests read so far.
    public var requests: [ScriptedRequest] { state.withLock { $0.requests } }

    /// The requests whose bodies never came whole.
    public var incompleteRequests: [ScriptedRequest] { state.withLock { $0.incompleteRequests } }

    /// What it has seen so far.
    public var counts: Counts { state.withLock { $0.counts } }

    /// Waits until what the server has seen fulfils `condition`.
    public func wait(until condition: @escaping @Sendable (Counts) -> Bool) async throws {
        let event = Event()
        let isFulfilled = state.withLock { state in
            if condition(state.counts) { return true }
            state.waiters.append((condition, event))
            return false
        }
        if !isFulfilled { try await event.wait() }
    }

    /// Closes everything. Idempotent, from any thread but the server's own.
    public func stop() {
        let wasStopped = state.withLock { state in
            defer { state.isStopped = true }
            return state.isStopped
        }
        guard !wasStopped else { return }
        loop.execute { [self] in
            for connection in state.withLock({ Array($0.open.values) }) {
                connection.socket.close()
            }
        }
        // Ends the accept handler's registration with the loop, then its descriptor.
        loop.shutdownAndWait()
        close(listener)
    }

    // MARK: For connections

    func nextIndex() -> Int {
        state.withLock { state in
            defer { state.requestCount += 1 }
            return state.requestCount
        }
    }

    func record(_ request: ScriptedRequest) { change { $0.requests.append(request) } }

    func recordIncomplete(_ request: ScriptedRequest) {
        change { $0.incompleteRequests.append(request) }
    }

    func noteUpload(_ byteCount: Int) { change { $0.uploadByteCount += byteCount } }

    private func change(_ body: (inout sending State) -> Void) {
        let events = state.withLock { state -> [Event] in
            body(&state)
            let counts = state.counts
            let ready = state.waiters.filter { $0.condition(counts) }
            guard !ready.isEmpty else { return [] }
            state.waiters.removeAll { $0.condition(counts) }
            return ready.map(\.event)
        }
        for event in events { event.signal() }
    }

    // MARK: Listening

    private func accept() {
        let handler = ReadinessClosure { [self] in
            let descriptor = SystemCalls.live.accept(listener)
            guard descriptor >= 0 else { return }
            serve(Int32(descriptor))
        }
        _ = try? loop.register(descriptor: listener, interest: .readable, handler: handler)
    }

    private func serve(_ descriptor: Int32) {
        guard let socket = try? ScriptedSocket(descriptor, on: loop) else {
            close(descriptor)
            return
        }
        socket.whenFull = { [isBlocked] in isBlocked.signal() }
        let number = state.withLock { $0.connectionCount }
        let connection = ScriptedConnection(socket, number: number, server: self)
        change { state in
            state.connectionCount += 1
            state.open[number] = connection
        }
        Task(executorPreference: loop) { [self] in
            await connection.run()
            change { state in state.open[number] = nil }
        }
    }

    private static func listen(
        _ reserved: ReservedPort?
    ) throws -> (listener: Int32, port: UInt16) {
        let (listener, port) = try ReservedPort.bind(
            to: reserved?.number ?? 0, reuses: reserved != nil)
        guard Glibc.listen(listener, 512) == 0 else {
            let code = errno
            close(listener)
            throw ServerProcessError(description: "no listener: errno \(code)")
        }
        return (listener, port)
    }
}

private final class ReadinessClosure: ReadinessHandler {
    private let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }

    func ready(_ readiness: ReadinessSet) { body() }
}
