public import BlobCore
internal import BlobWire

/// For launchers, on a client of a socket that has `admin: true` in the server's configuration.
/// Everywhere else these calls fail with `unsupportedOperation`.
extension BlobClient {
    /// Serves one more socket; clients can connect as soon as this returns. Adding the same
    /// specification again with a lease renews the lease.
    ///
    /// - Returns: The path of the socket.
    /// - Throws: `conflict` for a path that is served, `invalidArgument` that names the key for a
    ///   specification that is wrong.
    @discardableResult
    public func addListener(
        _ specification: ListenerSpecification, options: ListenerOptions = ListenerOptions()
    ) async throws(BlobError) -> String {
        try await addListener(text: specification.text, options: options)
    }

    /// The same with the text of a listener as the server's configuration file has it, YAML or JSON.
    @discardableResult
    public func addListener(
        text: String, options: ListenerOptions = ListenerOptions()
    ) async throws(BlobError) -> String {
        let response = try await call(.addListener(text, options), options: options.call)
        guard case .listener(let path) = response else { throw Self.unexpected }
        return path
    }

    /// Revokes a socket that was added: its path is removed, its connections are closed, their calls
    /// cancelled.
    ///
    /// - Returns: The multipart uploads that were begun through it and were open.
    /// - Throws: `notFound` when no socket is served at `path`, `permissionDenied` for one of the
    ///   server's configuration.
    @discardableResult
    public func removeListener(
        at path: String, options: CallOptions = CallOptions()
    ) async throws(BlobError) -> [OpenUpload] {
        try await records(
            .removeListener(path: path), body: nil, options: options, RecordBody.uploads
        ).1
    }

    /// The sockets of the server, by path.
    public func listListeners(
        options: CallOptions = CallOptions()
    ) async throws(BlobError) -> [ListenerStatus] {
        try await records(
            .listListeners, body: nil, options: options, RecordBody.listeners
        ).1
    }
}
