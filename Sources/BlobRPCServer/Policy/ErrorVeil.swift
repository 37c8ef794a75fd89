internal import BlobCore

/// Errors as the peers of a socket may see them (rules W-91, W-97).
struct ErrorVeil: Sendable {
    private let hasGrants: Bool
    private let tellsBackendDetails: Bool

    init(_ policy: ListenerPolicy) {
        hasGrants = policy.scope != .everything
        tellsBackendDetails = policy.tellsBackendDetails
    }

    func visible(_ error: BlobError, on uri: BlobURI) -> BlobError {
        // W-91: a real miss is the very answer that is given for what is not granted.
        if hasGrants {
            if error.code == .notFound { return PolicyJudge.noBlob(uri) }
            if error.code == .uploadNotFound { return PolicyJudge.noUpload(uri) }
        }
        let isOfBackend = error.origin == .backend || error.code.rawValue >> 8 == 6
        guard isOfBackend, !tellsBackendDetails else { return error }
        // W-97: not cut out but written anew, so that no store can let something slip.
        var error = error
        error.message = Self.messages[error.code] ?? "the store refused with \(error.code)"
        return error
    }

    private static let messages: [BlobError.Code: String] = [
        .alreadyExists: "the blob exists already",
        .preconditionFailed: "the blob does not have the entity tag asked for",
        .notModified: "the blob still has the entity tag given",
        .conflict: "another write, or a blob or directory of that name, is in the way",
        .checksumMismatch: "the bytes do not match their checksum",
        .multipart: "a part is missing, was replaced or has another entity tag than given",
        .objectChanged: "the blob changed meanwhile",
        .rangeNotSatisfiable: "the range starts past the end of the blob",
        .tooLarge: "larger than the store accepts",
        .permissionDenied: "the store does not allow it",
        .backendUnavailable: "the store cannot be reached or failed",
        .backendThrottled: "the store asks to slow down",
        .backendAuthentication: "the store does not accept the server's credentials",
        .dataLoss: "the stored bytes are damaged",
        .noSpace: "the store is full; nothing was stored",
        .inputOutput: "the store failed to read or write",
    ]
}

/// A source whose errors are veiled.
final class VeiledSource: ChunkSource {
    private let source: any ChunkSource
    private let veil: ErrorVeil
    private let uri: BlobURI

    init(_ source: any ChunkSource, _ veil: ErrorVeil, _ uri: BlobURI) {
        self.source = source
        self.veil = veil
        self.uri = uri
    }

    func next() async throws(BlobError) -> BlobChunk? {
        do throws(BlobError) {
            return try await source.next()
        } catch {
            throw veil.visible(error, on: uri)
        }
    }

    func cancel() { source.cancel() }
}
