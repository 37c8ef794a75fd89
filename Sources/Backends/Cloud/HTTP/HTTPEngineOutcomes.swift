internal import BlobCore
internal import CCurlShims
internal import CLinuxShims
internal import LinuxIO

extension HTTPEngineCore {
    // MARK: Pauses

    func resumeReceiving(_ exchange: HTTPExchange) {
        guard let transfer = exchange.transfer else { return }
        transfer.pointee.must_pause = 0
        guard transfer.pointee.is_receive_paused != 0 else { return }
        unpause(transfer, CCURL_RECEIVE)
    }

    func resumeSending(_ exchange: HTTPExchange) {
        guard let transfer = exchange.transfer, transfer.pointee.is_send_paused != 0 else { return }
        unpause(transfer, CCURL_SEND)
    }

    private func unpause(_ transfer: UnsafeMutablePointer<ccurl_transfer>, _ directions: Int) {
        insideCurl { ccurl_transfer_unpause(transfer, Int32(directions)) }
        settle()
        kick()
    }

    // MARK: Early answers

    /// The server has answered before it has the body, and not with success: it will not read the
    /// rest, and the answer counts.
    func stopSending(_ exchange: HTTPExchange) {
        exchange.feed?.stop()
        resumeSending(exchange)
        finishIfRefused(exchange)
    }

    /// With `Connection: close` libcurl would go on sending a body that nobody wants: an answer that
    /// is complete by its length ends the exchange here.
    func finishIfRefused(_ exchange: HTTPExchange) {
        guard let transfer = exchange.transfer, transfer.pointee.is_refused != 0,
            exchange.hasWholeBody(transfer)
        else { return }
        exchange.deliverPiece()
        release(exchange, keepsTransfer: false)
        exchange.mailbox.end(nil)
    }

    // MARK: The end

    func finish(_ exchange: HTTPExchange, _ result: Int32) {
        guard let transfer = exchange.transfer else { return }
        if transfer.pointee.has_met_stray_bytes != 0 {
            restart(exchange)
            return
        }
        if exchange.head == nil, let rescued = RescuedResponse(transfer) {
            release(exchange, keepsTransfer: false)
            exchange.mailbox.deliver(head: rescued.head)
            if !rescued.body.isEmpty { _ = exchange.mailbox.deliver(rescued.body) }
            exchange.mailbox.end(nil)
            return
        }
        let failure = exchange.failure(transfer, result)
        exchange.deliverPiece()
        release(exchange, keepsTransfer: result == 0)
        exchange.mailbox.end(failure)
    }

    // MARK: Timeouts

    func scheduleCheck(_ exchange: HTTPExchange, after nanoseconds: Int64) {
        exchange.timer = loop.schedule(after: .nanoseconds(nanoseconds)) { [self, exchange] in
            exchange.timer = nil
            check(exchange)
        }
    }

    private func check(_ exchange: HTTPExchange) {
        guard let transfer = exchange.transfer else { return }
        let now = clinux_monotonic_nanoseconds()
        let state = transfer.pointee
        let progress = TransferWatch.Progress(
            connectedAt: state.connected_nanoseconds == 0 ? nil : state.connected_nanoseconds,
            sentByteCount: state.body_byte_count == 0 ? 0 : ccurl_transfer_sent_count(transfer),
            bodyByteCount: state.body_byte_count,
            bodyReadAt: state.body_read_nanoseconds,
            receivedByteCount: state.received_count &+ UInt64(state.head_byte_count_total),
            hasResponse: state.has_response_byte != 0,
            pausedNanoseconds: ccurl_transfer_paused_nanoseconds(transfer, now))
        switch exchange.watch.check(progress, now: now) {
        case .checkAgain(let nanoseconds): scheduleCheck(exchange, after: nanoseconds)
        case .fail(let failure):
            exchange.deliverPiece()
            release(exchange, keepsTransfer: false)
            exchange.mailbox.end(failure)
        }
    }
}

extension HTTPExchange {
    /// For the callback: whether the head is fit to be delivered.
    func acceptHead() -> Bool {
        guard let transfer, let bytes = transfer.pointee.head else { return false }
        let lines = UnsafeRawBufferPointer(start: bytes, count: transfer.pointee.head_count)
        let status = Int(ccurl_transfer_status(transfer))
        guard let head = HTTPResponseHead(status: status, lines: lines) else { return false }
        self.head = head
        let isBodyUnread = transfer.pointee.body_read_count < transfer.pointee.body_byte_count
        if status >= 300, isBodyUnread {
            transfer.pointee.is_refused = 1
            core.refused.append(self)
        }
        mailbox.deliver(head: head)
        return true
    }

    /// Whether the body has no byte more, as the head says.
    func hasWholeBody(_ transfer: UnsafeMutablePointer<ccurl_transfer>) -> Bool {
        guard let head else { return false }
        if request.method == .head || head.status == 204 || head.status == 304 { return true }
        if head.isChunked { return false }
        let length = ccurl_transfer_content_length(transfer)
        return length >= 0 && transfer.pointee.received_count == UInt64(length)
    }

    /// Nil when the response is complete.
    func failure(
        _ transfer: UnsafeMutablePointer<ccurl_transfer>, _ result: Int32
    ) -> HTTPFailure? {
        let wasSent = transfer.pointee.request_count > 0
        if transfer.pointee.is_head_too_large != 0 {
            return HTTPFailure(
                .malformedResponse, "the head of the response is too large", mayHaveBeenSent: true)
        }
        guard let head else {
            if result == 0 {
                return HTTPFailure(
                    .malformedResponse, "the response has no head", mayHaveBeenSent: wasSent)
            }
            if !wasSent, ccurl_transfer_proxy_status(transfer) >= 300 {
                return HTTPFailure(.proxy, "the proxy refuses the tunnel")
            }
            let isReplay = transfer.pointee.was_replay_refused != 0
            return HTTPFailure(
                curlCode: isReplay ? CURLE_GOT_NOTHING : CURLcode(UInt32(bitPattern: result)),
                isConnected: wasSent, isHeadComplete: false)
        }
        if hasWholeBody(transfer) { return nil }
        // Nothing is lost with the end of an error's text; it may end as the connection does.
        let isRefused = transfer.pointee.is_refused != 0 && head.status >= 400
        if result == 0 {
            // libcurl has seen the last chunk. Without chunks it has only seen the connection end:
            // a length that is right would have been found whole above.
            if head.isChunked || head.status >= 400 { return nil }
            return HTTPFailure(
                .connectionLost, "the end of the response is not marked", mayHaveBeenSent: true)
        }
        if isRefused || head.status == 417 { return nil }
        return HTTPFailure(
            curlCode: CURLcode(UInt32(bitPattern: result)), isConnected: true, isHeadComplete: true)
    }
}
