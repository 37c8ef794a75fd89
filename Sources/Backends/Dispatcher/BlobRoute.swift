internal import BlobCore

/// Where a call goes and how its answer comes back.
struct BlobRoute: Sendable {
    let store: any BlobStore
    /// The blob as the backend calls it.
    let target: BlobURI
    /// The mount the caller went through, if any.
    let mount: BlobMount?

    /// Calls `body`; errors name the blob as the caller does.
    func call<Value>(
        for uri: BlobURI, _ body: (any BlobStore, BlobURI) async throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlobError) {
            return try await body(store, target)
        } catch {
            throw visible(error, on: uri)
        }
    }

    /// `error` as the caller may see it.
    func visible(_ error: BlobError, on uri: BlobURI) -> BlobError {
        mount?.hidingBase(error, on: uri) ?? error.on(uri)
    }

    /// A URI of the backend as the caller calls it.
    func visible(_ target: BlobURI) -> BlobURI {
        mount?.uri(of: target) ?? target
    }

    /// The backend's upload for one that the caller knows.
    func targetUpload(_ upload: MultipartUpload) -> MultipartUpload {
        MultipartUpload(uri: target, uploadID: upload.uploadID)
    }
}

/// A source that names blobs in its errors as the caller does.
final class RoutedSource: ChunkSource {
    private let source: any ChunkSource
    private let route: BlobRoute
    private let uri: BlobURI

    init(_ source: any ChunkSource, _ route: BlobRoute, _ uri: BlobURI) {
        self.source = source
        self.route = route
        self.uri = uri
    }

    func next() async throws(BlobError) -> BlobChunk? {
        do throws(BlobError) {
            return try await source.next()
        } catch {
            throw route.visible(error, on: uri)
        }
    }

    func cancel() {
        source.cancel()
    }
}
