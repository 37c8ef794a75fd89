public import BlobCore

// The interface that blobctl is written against; the implementation replaces this file.

/// Settings of a client.
public struct ClientConfiguration: Sendable {
    /// Default settings.
    public init() {}
}

/// A `BlobStore` whose operations travel over a Unix socket.
public final class BlobClient: Sendable {
    /// Connects to the server at `path`.
    public static func connect(
        path: String, configuration: ClientConfiguration = ClientConfiguration()
    ) async throws(BlobError) -> BlobClient {
        throw BlobError(.unsupportedOperation, "not built yet")
    }

    /// The store behind the socket.
    public var store: any BlobStore { fatalError("not built yet") }

    /// The time one PING takes to come back.
    public func ping() async throws(BlobError) -> Duration { .zero }

    /// What the server says about itself.
    public func serverInfo() async throws(BlobError) -> ServerInfo {
        throw BlobError(.unsupportedOperation, "not built yet")
    }

    /// Ends the connection.
    public func close() async {}
}
