import CCurlShims
import Testing

/// A transfer that goes is in no list of its engine any more: whoever takes the list would follow a
/// pointer to memory that is gone.
@Suite struct TransferListTests {
    enum End: CaseIterable { case isCleared, isDestroyed }

    @Test(arguments: End.allCases, 0...2)
    func `a transfer that goes leaves the list of those that got bytes`(
        end: End, position: Int
    ) throws {
        var context: UInt8 = 0
        try withUnsafeMutablePointer(to: &context) { context in
            let engine = try #require(ccurl_engine_create(Self.handlers, context, 4))
            defer { ccurl_engine_destroy(engine) }
            var transfers = try (0...2).map { _ in try #require(ccurl_transfer_create(engine)) }
            for transfer in transfers.reversed() {
                transfer.pointee.is_touched = 1
                transfer.pointee.next_touched = engine.pointee.touched
                engine.pointee.touched = transfer
            }
            let gone = transfers.remove(at: position)
            switch end {
            case .isCleared: ccurl_transfer_clear(gone)
            case .isDestroyed: ccurl_transfer_destroy(gone)
            }
            for transfer in transfers {
                #expect(ccurl_engine_next_touched(engine) == transfer)
                #expect(transfer.pointee.is_touched == 0)
            }
            #expect(ccurl_engine_next_touched(engine) == nil)
            if end == .isCleared { transfers.append(gone) }
            for transfer in transfers { ccurl_transfer_destroy(transfer) }
        }
    }

    /// Nothing is sent here.
    private static var handlers: ccurl_handlers {
        ccurl_handlers(
            need_piece: { _ in -1 }, head_complete: { _ in -1 },
            read_body: { _, _, _ in Int64(CCURL_READ_ABORT) }, rewind_body: { _ in -1 },
            watch_socket: { _, _, _ in }, set_timer: { _, _ in })
    }
}
