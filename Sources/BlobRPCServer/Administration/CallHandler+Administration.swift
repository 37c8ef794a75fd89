internal import BlobCore
internal import BlobWire

/// The calls of launchers; the judge has refused them on every other socket.
extension CallHandler {
    func addListener(
        _ text: String, _ options: ListenerOptions, on session: isolated ServerSession
    ) async throws(BlobError) -> String {
        // W-101
        guard options.leaseSeconds ?? 1 > 0 else {
            throw BlobError(.invalidArgument, "a lease has at least 1 second")
        }
        return try await listener.context.administration.add(
            text, options, caller: session.identifier)
    }

    func removeListener(
        at path: String, on session: isolated ServerSession
    ) async throws(BlobError) {
        let uploads = try await listener.context.administration.remove(path)
        try chargeRecords(uploads.count)
        try await answer(
            .records, records: try RecordBody.encode(uploads: uploads), on: session)
    }

    func listListeners(on session: isolated ServerSession) async throws(BlobError) {
        let listeners = try listener.context.administration.list()
        try chargeRecords(listeners.count)
        try await answer(
            .records, records: try RecordBody.encode(listeners: listeners), on: session)
    }
}
