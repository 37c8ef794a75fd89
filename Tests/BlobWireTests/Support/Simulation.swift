import BlobCore

@testable import BlobWire

/// Drives two machines in an order that a seed decides.
final class Simulation {
    var generator: SeededGenerator
    let limits: ConnectionLimits
    let client: SimulatedEnd
    let server: SimulatedEnd
    var calls: [SimulatedCall] = []
    var indexOfStream: [UInt32: Int] = [:]
    var nextCall = 0
    var drainsAt: Int?
    var failures: [String] = []

    init(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        var limits = ConnectionLimits()
        limits.streamCreditByteCount = UInt32(random(300...60_000))
        limits.connectionCreditByteCount = UInt64(random(1000...200_000))
        limits.maximumStreamCount = UInt32(random(1...12))
        limits.maximumGlitchCount = 100_000
        limits.frames.maximumDataByteCount = random((16 << 10)...(64 << 10))
        self.limits = limits
        // Narrow pipes get short bodies, or a run takes too long.
        let pipe = [random(1...16), random(17...1000), random(1001...30_000)][random(0...2)]
        client = SimulatedEnd(role: .client, limits: limits, pipeByteCount: pipe)
        server = SimulatedEnd(role: .server, limits: limits, pipeByteCount: random(1...30_000))
        let narrowest = min(pipe, server.pipeByteCount)
        let largest = narrowest < 5000 ? 30 * narrowest : Pattern.largestBodyByteCount
        for _ in 0..<25 {
            calls.append(SimulatedCall(using: &generator, largest: largest))
        }
        if generator.isTrue(oneIn: 6) { drainsAt = random(1...20) }
        self.generator = generator
    }

    func run() throws {
        var idlePassCount = 0
        var passCount = 0
        while !isDone, failures.isEmpty {
            var hasProgress = false
            for actor in [0, 1, 2, 3, 4, 5].shuffled(using: &generator)
            where idlePassCount > 20 || generator.isTrue(oneIn: 2) {
                hasProgress = try act(actor) || hasProgress
            }
            idlePassCount = hasProgress ? 0 : idlePassCount + 1
            passCount += 1
            if idlePassCount > 25 { failures.append("nothing moves: \(standstill)") }
            if passCount > 2_000_000 { failures.append("no end") }
        }
        check()
    }

    var isDone: Bool {
        nextCall == calls.count && calls.allSatisfy { $0.isOver }
            && client.pipe.isEmpty && server.pipe.isEmpty && client.hasNothingToWrite
            && server.hasNothingToWrite && server.machine.activeStreamCount == 0
            && calls.allSatisfy { $0.clientUnconsumed == 0 && $0.serverUnconsumed == 0 }
    }

    var standstill: String {
        let open = calls.indices.filter { calls[$0].streamID != 0 && !calls[$0].isOver }
        return "calls \(open), pipes \(client.pipe.count) \(server.pipe.count)"
    }

    func act(_ actor: Int) throws -> Bool {
        let byteCount = Int.random(in: 1...20_000, using: &generator)
        switch actor {
        case 0: return client.write(to: server, maximumByteCount: byteCount)
        case 1: return server.write(to: client, maximumByteCount: byteCount)
        case 2:
            let hadBytes = !server.pipe.isEmpty
            for event in try server.read(maximumByteCount: byteCount) { serve(event) }
            return hadBytes
        case 3:
            let hadBytes = !client.pipe.isEmpty
            for event in try client.read(maximumByteCount: byteCount) { take(event) }
            return hadBytes
        case 4: return actAsClient()
        default: return actAsServer()
        }
    }

    func check() {
        for index in calls.indices {
            if let violation = calls[index].violation(index) { failures.append(violation) }
        }
        guard failures.isEmpty else { return }
        // Every byte was granted again, except what a quarter of the window holds back.
        let least = limits.connectionCreditByteCount - limits.connectionCreditByteCount / 4
        for (name, end) in [("client", client), ("server", server)]
        where end.machine.connectionSendWindow.available < least {
            failures.append("credit leaked: the \(name) may send too little")
        }
        let largest = ConnectionMachine.batchByteCount + (128 << 10)
        if max(client.largestBatchByteCount, server.largestBatchByteCount) > largest {
            failures.append("a batch is too long")
        }
    }

    // MARK: The client

    func actAsClient() -> Bool {
        var hasProgress = openCalls()
        for index in calls.indices.shuffled(using: &generator) where calls[index].streamID != 0 {
            hasProgress = consumeAsClient(index) || hasProgress
            guard !calls[index].isOver, !calls[index].hasReset else { continue }
            let call = calls[index]
            if let limit = call.resetsAt, call.downloadedByteCount + call.uploadedByteCount >= limit
            {
                client.machine.resetStream(streamID: call.streamID, code: .cancelled)
                calls[index].hasReset = true
                hasProgress = true
                continue
            }
            if let limit = call.stopsAt, call.downloadedByteCount >= limit, call.hasResponse,
                !call.hasStopped
            {
                client.machine.stopStream(streamID: call.streamID, code: .cancelled)
                calls[index].hasStopped = true
                hasProgress = true
            }
            hasProgress = upload(index) || hasProgress
        }
        if let violation = client.boundsViolation(streamLimit: Int(limits.maximumStreamCount)) {
            failures.append("client: \(violation)")
        }
        return hasProgress
    }

    func openCalls() -> Bool {
        if client.machine.hasReceivedGoAway {
            let hasRest = nextCall < calls.count
            for index in nextCall..<calls.count {
                calls[index].wasNotServed = true
                calls[index].endCount = 1
            }
            nextCall = calls.count
            return hasRest
        }
        guard nextCall < calls.count, client.machine.canOpenStream else { return false }
        let form: RequestBodyForm = calls[nextCall].uploadByteCount == nil ? .none : .follows
        let streamID = client.machine.openStream(
            payload: Bytes(bigEndian(UInt32(nextCall))), body: form)
        calls[nextCall].streamID = streamID
        calls[nextCall].isUploadOver = form == .none
        indexOfStream[streamID] = nextCall
        nextCall += 1
        return true
    }

    func consumeAsClient(_ index: Int) -> Bool {
        let count = calls[index].clientUnconsumed
        guard count > 0 else { return false }
        let part = calls[index].isOver ? count : Int.random(in: 1...count, using: &generator)
        calls[index].clientUnconsumed -= part
        client.machine.consumed(streamID: calls[index].streamID, byteCount: part)
        return true
    }

    func upload(_ index: Int) -> Bool {
        guard let total = calls[index].uploadByteCount, !calls[index].isUploadOver,
            client.mayProduce(calls[index].streamID, isWaiting: &calls[index].clientWaits)
        else { return false }
        let position = calls[index].uploadedByteCount
        if position == total {
            client.machine.endData(streamID: calls[index].streamID)
            calls[index].isUploadOver = true
            return true
        }
        let count = pieceByteCount(total - position)
        let isWanted = client.machine.sendData(
            streamID: calls[index].streamID,
            payload: Pattern.piece(call: index, at: position, byteCount: count))
        calls[index].uploadedByteCount += count
        calls[index].isUploadOver = !isWanted
        return true
    }

    func pieceByteCount(_ rest: Int) -> Int {
        min(rest, Int.random(in: 1...Pattern.largestPieceByteCount, using: &generator))
    }

    func take(_ event: ConnectionEvent) {
        switch event {
        case .response(let streamID, let payload, let isLast):
            change(streamID) { call, _ in
                call.hasResponse = true
                if isLast { call.endCount += 1 }
                if (try? BlobResponse.trailerError(payload: payload)) != nil {
                    call.wasNotServed = true
                }
            }
        case .trailer(let streamID, _): change(streamID) { call, _ in call.endCount += 1 }
        case .reset(let streamID, _): change(streamID) { call, _ in call.endCount += 1 }
        case .data(let streamID, let payload, let offset, _):
            change(streamID) { call, index in
                let isRight = Pattern.matches(
                    payload, call: index, at: call.downloadedByteCount)
                let isPlaced = offset == nil || offset == UInt64(call.downloadedByteCount)
                if !isRight || !isPlaced { failures.append("call \(index): wrong bytes down") }
                call.downloadedByteCount += payload.count
                call.clientUnconsumed += payload.count
            }
        case .stopped(let streamID, _): change(streamID) { call, _ in call.isUploadOver = true }
        case .opened, .goAway: break
        case .request, .pong: failures.append("an event for a server: \(event)")
        }
    }

    func change(_ streamID: UInt32, _ body: (inout SimulatedCall, Int) -> Void) {
        guard let index = indexOfStream[streamID] else {
            failures.append("stream \(streamID) is nobody's")
            return
        }
        body(&calls[index], index)
    }
}
