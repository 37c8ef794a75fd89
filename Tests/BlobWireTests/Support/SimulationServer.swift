import BlobCore

@testable import BlobWire

extension Simulation {
    // MARK: The server

    func actAsServer() -> Bool {
        var hasProgress = false
        if let limit = drainsAt, nextCall >= limit {
            server.machine.goAway(code: .shuttingDown, grace: .seconds(1))
            drainsAt = nil
            hasProgress = true
        }
        for index in calls.indices.shuffled(using: &generator) where calls[index].isServed {
            hasProgress = consumeAsServer(index) || hasProgress
            if !calls[index].isHandlerOver { hasProgress = handle(index) || hasProgress }
        }
        if let violation = server.boundsViolation(streamLimit: Int(limits.maximumStreamCount)) {
            failures.append("server: \(violation)")
        }
        return hasProgress
    }

    func consumeAsServer(_ index: Int) -> Bool {
        let count = calls[index].serverUnconsumed
        guard count > 0 else { return false }
        let part = calls[index].isHandlerOver ? count : Int.random(in: 1...count, using: &generator)
        calls[index].serverUnconsumed -= part
        server.machine.consumed(streamID: calls[index].streamID, byteCount: part)
        return true
    }

    func handle(_ index: Int) -> Bool {
        let call = calls[index]
        let done = Bytes([0, 0, 0, 0])
        if call.isCancelled {
            server.machine.sendTrailer(streamID: call.streamID, payload: done)
            calls[index].isHandlerOver = true
            return true
        }
        guard call.canBeAnswered else { return false }
        if !call.hasAnswered {
            if call.stopsBeforeAnswer {
                server.machine.stopStream(streamID: call.streamID, code: .alreadyExists)
            }
            let isLast = call.downloadByteCount == nil
            server.machine.sendResponse(streamID: call.streamID, payload: done, isLast: isLast)
            calls[index].hasAnswered = true
            calls[index].isHandlerOver = isLast
            return true
        }
        guard let total = call.downloadByteCount,
            server.mayProduce(call.streamID, isWaiting: &calls[index].serverWaits)
        else { return false }
        if call.sentByteCount == total || call.isServerStopped {
            server.machine.sendTrailer(streamID: call.streamID, payload: done)
            calls[index].isHandlerOver = true
            return true
        }
        let count = pieceByteCount(total - call.sentByteCount)
        let isWanted = server.machine.sendData(
            streamID: call.streamID,
            payload: Pattern.piece(call: index, at: call.sentByteCount, byteCount: count),
            offset: call.hasOffsets ? UInt64(call.sentByteCount) : nil)
        calls[index].sentByteCount += count
        if !isWanted { calls[index].isServerStopped = true }
        return true
    }

    func serve(_ event: ConnectionEvent) {
        switch event {
        case .request(let streamID, let payload, let body):
            let index = Int(number(Array(payload)[...]))
            change(streamID) { call, own in
                if own != index { failures.append("call \(own): wrong request") }
                if (body == .follows) != (call.uploadByteCount != nil) {
                    failures.append("call \(own): wrong body")
                }
                call.isServed = true
            }
        case .data(let streamID, let payload, _, let isLast):
            change(streamID) { call, index in
                let isRight = Pattern.matches(payload, call: index, at: call.servedByteCount)
                if !isRight { failures.append("call \(index): wrong bytes up") }
                call.servedByteCount += payload.count
                call.serverUnconsumed += payload.count
                call.isUploadWhole = isLast
            }
        case .reset(let streamID, _): change(streamID) { call, _ in call.isCancelled = true }
        case .stopped(let streamID, _): change(streamID) { call, _ in call.isServerStopped = true }
        case .opened, .goAway: break
        case .response, .trailer, .pong: failures.append("an event for a client: \(event)")
        }
    }
}
