public import BlobCore

/// What the answers about sockets hold (rules W-103 and W-104).
extension RecordBody {
    /// The uploads that removeListener answers.
    public static func encode(uploads: [OpenUpload]) throws(BlobError) -> Bytes {
        try encode(uploads, as: .uploadRecord) { (upload, writer: inout ByteWriter) in
            writer.write(field: .uri, upload.upload.uri.description)
            writer.write(field: .uploadID, upload.upload.uploadID)
            if upload.isAborted {
                writer.write(field: .aborted) { (_: inout ByteWriter) in }
            }
            if let error = upload.error {
                writer.write(field: .message, error.message.truncated(toByteCount: 2048))
            }
        }
    }

    /// The sockets that listListeners answers.
    public static func encode(listeners: [ListenerStatus]) throws(BlobError) -> Bytes {
        try encode(listeners, as: .listenerRecord) { (listener, writer: inout ByteWriter) in
            writer.write(field: .socketPath, listener.path)
            writer.write(field: .connectionCount, listener.connectionCount)
            writer.write(field: .policy, listener.policy.truncated(toByteCount: 2048))
            if listener.isAdded { writer.write(field: .added) { (_: inout ByteWriter) in } }
            if let seconds = listener.leaseSeconds { writer.write(field: .leaseSeconds, seconds) }
            if listener.endsWithCaller {
                writer.write(field: .endsWithCaller) { (_: inout ByteWriter) in }
            }
        }
    }

    /// Reads the uploads that removeListener answers.
    public static func uploads(_ body: Bytes) throws(WireError) -> [OpenUpload] {
        try decode(body, .uploadRecord) { (fields) throws(WireError) in
            OpenUpload(
                upload: MultipartUpload(
                    uri: try fields.blobURI(), uploadID: try fields.required(fields.uploadID)),
                isAborted: fields.isAborted,
                error: fields.message.isEmpty ? nil : BlobError(.other, fields.message))
        }
    }

    /// Reads the sockets that listListeners answers.
    public static func listeners(_ body: Bytes) throws(WireError) -> [ListenerStatus] {
        try decode(body, .listenerRecord) { (fields) throws(WireError) in
            ListenerStatus(
                path: try fields.required(fields.socketPath),
                connectionCount: try fields.required(fields.connectionCount),
                policy: fields.policy, isAdded: fields.isAdded,
                leaseSeconds: fields.leaseSeconds, endsWithCaller: fields.endsWithCaller)
        }
    }
}
