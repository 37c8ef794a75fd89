internal import BlobCore
internal import BlobWire
internal import LinuxIO

extension ServerSession {
    func audit(
        _ request: BlobRequest?, _ outcome: AuditRecord.Outcome,
        since start: ContinuousClock.Instant
    ) {
        guard let audit = listener.context.audit else { return }
        let elapsed = (ContinuousClock.now - start) / .microseconds(1)
        audit.record(
            AuditRecord(
                time: .now, listener: listener.path, userID: peer.userID, groupID: peer.groupID,
                processID: peer.processID, operation: request?.operation,
                subjects: request?.subjects ?? [], outcome: outcome,
                microseconds: Int64(max(0, min(elapsed, 1e15)))))
    }
}

extension BlobRequest {
    /// The blobs, or the socket, that the request names, for the audit.
    fileprivate var subjects: [String] {
        let uris: [BlobURI]
        switch arguments {
        case .head(let uri, _), .get(let uri, _), .put(let uri, _, _), .delete(let uri),
            .list(let uri, _), .presign(_, let uri, _), .createMultipartUpload(let uri, _),
            .capabilities(let uri):
            uris = [uri]
        case .copy(let source, let destination, _): uris = [source, destination]
        case .uploadPart(let upload, _, _, _), .presignUploadParts(let upload, _),
            .listParts(let upload, _), .completeMultipartUpload(let upload, _),
            .abortMultipartUpload(let upload):
            uris = [upload.uri]
        case .removeListener(let path): return [path]
        case .deleteMany, .info, .addListener, .listListeners: uris = []
        }
        return uris.map(\.redactedDescription)
    }
}
