internal import Backends
internal import BlobCore

/// The version of a blob that a read goes on with (CM-05).
struct PinnedVersion: Sendable {
    var etag: String
    /// What makes the service give this version or none; nil when there is nothing to go on by.
    var pin: HTTPHeaders?
}

/// Asks for ranges of one blob.
struct RangeReader: Sendable {
    let dialect: any CloudDialect
    let uri: BlobURI
    let deadline: CallDeadline

    var request: CloudRequest {
        var request = CloudRequest(.get, uri, "reading the blob")
        request.headers = dialect.readHeaders
        return request
    }

    /// For a body that broke off: how often it may begin again.
    var progress: CloudProgress { dialect.client.progress(of: request, deadline) }

    /// The first request of a read.
    func open(
        _ range: String, _ conditions: HTTPHeaders
    ) async throws(CloudFailure) -> HTTPResponse {
        var request = request
        request.headers.append(dialect.rangeHeaderName, range)
        request.headers.append(conditions)
        request.headers.append(dialect.checksumRequestHeaders)
        return try await dialect.client.open(request, deadline: deadline)
    }

    /// The bytes of `range` of this version, and of no other (CM-05).
    func open(
        _ range: Range<UInt64>, of version: PinnedVersion, receiveWindow: HTTPReceiveWindow
    ) async throws(CloudFailure) -> HTTPResponse {
        guard let pin = version.pin else {
            throw CloudFailure(OpenedRange.unusable("no strong entity tag to go on by", uri))
        }
        var request = request
        request.headers.append(
            dialect.rangeHeaderName, "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        request.headers.append(pin)
        request.receiveWindow = receiveWindow
        let response: HTTPResponse
        do throws(CloudFailure) {
            response = try await dialect.client.open(request, deadline: deadline)
        } catch {
            guard [404, 412, 416].contains(error.status) else { throw error }
            throw CloudFailure(Self.changed(uri))
        }
        let content = response.headers["content-range"].flatMap(ContentRange.init)
        // CM-05: a service may know no conditions, but then it has to say what it gives (CM-04).
        guard let gotEntityTag = response.headers.entityTag else {
            response.cancel()
            throw CloudFailure(OpenedRange.unusable("no entity tag", uri))
        }
        guard gotEntityTag == version.etag else {
            response.cancel()
            throw CloudFailure(Self.changed(uri))
        }
        // CM-02
        guard response.status == 206, content?.range == range else {
            response.cancel()
            throw CloudFailure(OpenedRange.unusable("a range that was not asked for", uri))
        }
        return response
    }

    private static func changed(_ uri: BlobURI) -> BlobError {
        BlobError(
            .objectChanged, "the blob was replaced or deleted while it was read; read it again",
            uri: uri, origin: .backend)
    }
}
