internal import BlobCore
internal import CCurlShims
internal import CLinuxShims
internal import LinuxIO

/// The part of an engine that lives on the loop's thread: libcurl's multi handle, the sockets and
/// timers it asks for, and the exchanges.
///
/// `@unchecked Sendable`: everything but `loop` and `onLoop` is touched on the loop thread only. It
/// is made on any thread, before anybody else knows it.
final class HTTPEngineCore: @unchecked Sendable {
    let loop: EventLoop
    let settings: HTTPEngineSettings
    let proxy: HTTPProxyEnvironment
    var sockets: [Int32: SocketWatch] = [:]
    var curlTimer: TimerToken?
    /// True while libcurl is on the stack: it must not be entered twice.
    var isInsideCurl = false
    private(set) var engine: UnsafeMutablePointer<ccurl_engine>?
    private var isKickQueued = false
    private var isWatchingLoop = false
    private var loopEndTimer: TimerToken?
    private var active: [ObjectIdentifier: HTTPExchange] = [:]
    private var endpoints: [String: EndpointQueue] = [:]
    private var idleTransfers: [UnsafeMutablePointer<ccurl_transfer>] = []
    /// Exchanges whose heads came while libcurl was on the stack.
    var refused: [HTTPExchange] = []
    private let nameOverrides: UnsafeMutablePointer<curl_slist>?

    private static let idleTransferCountMax = 64

    init(loop: EventLoop, settings: HTTPEngineSettings) throws(HTTPFailure) {
        self.loop = loop
        self.settings = settings
        proxy = settings.proxy.environment
        var list: UnsafeMutablePointer<curl_slist>?
        for entry in settings.nameOverrides { list = curl_slist_append(list, entry) ?? list }
        nameOverrides = list
        // Kept unretained: `close` destroys the handle, and it runs before this object goes.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let connectionCount = max(64, settings.maximumConnectionCountPerHost &* 2)
        engine = ccurl_engine_create(Self.handlers, context, connectionCount)
        guard engine != nil else { throw HTTPFailure(.engine, "libcurl has no memory left") }
    }

    deinit {
        // Only an engine that was never used comes here with its handle.
        if let engine { ccurl_engine_destroy(engine) }
        curl_slist_free_all(nameOverrides)
    }

    /// Runs `body` on the loop thread: now, if the caller is there and libcurl is not on the stack.
    func onLoop(_ body: @escaping @Sendable (HTTPEngineCore) -> Void) {
        if loop.isCurrent, !isInsideCurl {
            body(self)
        } else {
            loop.execute { [self] in body(self) }
        }
    }

    // MARK: Exchanges

    func start(_ exchange: HTTPExchange) {
        watchLoop()
        guard !exchange.mailbox.hasEnded else { return }
        guard engine != nil else {
            exchange.mailbox.end(HTTPFailure(.shutDown, "the engine is shut down"))
            return
        }
        // libcurl's own queue would count the time in it as time to connect.
        var queue = endpoints.removeValue(forKey: exchange.request.endpoint) ?? EndpointQueue()
        if queue.runningCount >= max(1, settings.maximumConnectionCountPerHost) {
            queue.waiting.append(exchange)
            endpoints[exchange.request.endpoint] = queue
            return
        }
        queue.runningCount += 1
        endpoints[exchange.request.endpoint] = queue
        launch(exchange)
    }

    private func launch(_ exchange: HTTPExchange) {
        guard let engine, let transfer = idleTransfers.popLast() ?? makeTransfer(engine) else {
            leave(exchange.request.endpoint)
            exchange.mailbox.end(HTTPFailure(.engine, "libcurl has no memory left"))
            return
        }
        exchange.transfer = transfer
        transfer.pointee.context = Unmanaged.passUnretained(exchange).toOpaque()
        active[ObjectIdentifier(exchange)] = exchange
        guard configure(transfer, for: exchange.request),
            insideCurl({ ccurl_transfer_add(transfer) }) == 0
        else {
            release(exchange, keepsTransfer: false, wasAdded: false)
            exchange.mailbox.end(HTTPFailure(.engine, "libcurl does not take the request"))
            return
        }
        exchange.feed?.start(
            wake: { [self] in onLoop { core in core.resumeSending(exchange) } },
            fail: { [self] failure in onLoop { core in core.fail(exchange, failure) } })
        scheduleCheck(exchange, after: exchange.watch.firstCheck)
        kick()
    }

    /// Nothing was sent yet, because the connection was no good: once more, on one of its own.
    func restart(_ exchange: HTTPExchange) {
        guard let transfer = exchange.transfer else { return }
        insideCurl { ccurl_transfer_remove(transfer) }
        ccurl_transfer_clear(transfer)
        transfer.pointee.context = Unmanaged.passUnretained(exchange).toOpaque()
        guard configure(transfer, for: exchange.request, needsNewConnection: true),
            insideCurl({ ccurl_transfer_add(transfer) }) == 0
        else {
            release(exchange, keepsTransfer: false, wasAdded: false)
            exchange.mailbox.end(HTTPFailure(.engine, "libcurl does not take the request"))
            return
        }
        kick()
    }

    private func makeTransfer(
        _ engine: UnsafeMutablePointer<ccurl_engine>
    ) -> UnsafeMutablePointer<ccurl_transfer>? {
        guard let transfer = ccurl_transfer_create(engine) else { return nil }
        if configureOnce(transfer, nameOverrides: nameOverrides) { return transfer }
        ccurl_transfer_destroy(transfer)
        return nil
    }

    /// Ends an exchange from outside of libcurl: at once, with its connection.
    func fail(_ exchange: HTTPExchange, _ failure: HTTPFailure) {
        guard !exchange.mailbox.hasEnded else { return }
        var failure = failure
        if let transfer = exchange.transfer {
            failure.mayHaveBeenSent = transfer.pointee.request_count > 0
            release(exchange, keepsTransfer: false)
        } else {
            endpoints[exchange.request.endpoint]?.remove(exchange)
        }
        exchange.mailbox.end(failure, dropsPieces: true)
    }

    /// Takes the exchange out of libcurl; what is left of its connection is never reused dirty.
    func release(_ exchange: HTTPExchange, keepsTransfer: Bool, wasAdded: Bool = true) {
        guard let transfer = exchange.transfer else { return }
        exchange.transfer = nil
        if let timer = exchange.timer.take() { loop.cancel(timer) }
        if wasAdded { insideCurl { ccurl_transfer_remove(transfer) } }
        exchange.dropPiece()
        ccurl_transfer_clear(transfer)
        if keepsTransfer, idleTransfers.count < Self.idleTransferCountMax {
            idleTransfers.append(transfer)
        } else {
            insideCurl { ccurl_transfer_destroy(transfer) }
        }
        exchange.feed?.stop()
        active.removeValue(forKey: ObjectIdentifier(exchange))
        leave(exchange.request.endpoint)
    }

    private func leave(_ endpoint: String) {
        guard var queue = endpoints.removeValue(forKey: endpoint) else { return }
        let next = engine == nil ? nil : queue.popWaiting()
        if next == nil { queue.runningCount -= 1 }
        if queue.runningCount > 0 || next != nil { endpoints[endpoint] = queue }
        if let next { launch(next) }
    }

    func close() {
        guard let engine else { return }
        self.engine = nil
        let failure = HTTPFailure(.shutDown, "the engine is shut down")
        let waiting = endpoints.values.flatMap { $0.allWaiting }
        for exchange in Array(active.values) + waiting { fail(exchange, failure) }
        endpoints = [:]
        for transfer in idleTransfers { insideCurl { ccurl_transfer_destroy(transfer) } }
        idleTransfers = []
        insideCurl { ccurl_engine_destroy(engine) }
        for socket in sockets.values { socket.stop() }
        sockets = [:]
        if let timer = curlTimer.take() { loop.cancel(timer) }
        if let timer = loopEndTimer.take() { loop.cancel(timer) }
    }

    // MARK: libcurl

    @discardableResult
    func insideCurl<Value>(_ body: () -> Value) -> Value {
        let outer = isInsideCurl
        isInsideCurl = true
        defer { isInsideCurl = outer }
        return body()
    }

    /// Calls libcurl at the end of this turn: one call for all that the turn has started.
    func kick() {
        guard !isKickQueued, engine != nil else { return }
        isKickQueued = true
        loop.atEndOfTurn(self)
    }

    func act(_ socket: Int32, _ mask: Int32) {
        guard let engine else { return }
        insideCurl { ccurl_engine_act(engine, socket, mask) }
        settle()
    }

    /// A loop that ends drops its timers: that is how the engine notices and ends its exchanges.
    private func watchLoop() {
        guard !isWatchingLoop, engine != nil else { return }
        isWatchingLoop = true
        let watch = LoopEndWatch(self)
        loopEndTimer = loop.schedule(after: .seconds(Int64.max)) { _ = watch }
    }
}

extension HTTPEngineCore: EndOfTurnHandler {
    func endOfTurn() {
        isKickQueued = false
        act(curlSocketTimeout, 0)
    }

    /// Acts upon what the callbacks have noted while libcurl was on the stack.
    func settle() {
        // What this calls may close the engine, here as below.
        while let engine, let transfer = ccurl_engine_next_touched(engine) {
            guard let exchange = HTTPExchange.of(transfer) else { continue }
            exchange.handOver()
            finishIfRefused(exchange)
        }
        while let exchange = refused.popLast() { stopSending(exchange) }
        var result: Int32 = 0
        // Finishing may launch others, and a consumer's clean-up may close the engine.
        while let engine = self.engine,
            let transfer = ccurl_engine_next_finished(engine, &result)
        {
            if let exchange = HTTPExchange.of(transfer) { finish(exchange, result) }
        }
    }
}

/// Lives in a timer that never fires.
private final class LoopEndWatch {
    private let core: HTTPEngineCore

    init(_ core: HTTPEngineCore) { self.core = core }

    deinit { core.close() }
}
