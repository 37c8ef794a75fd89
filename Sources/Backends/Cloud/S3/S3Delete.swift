internal import Backends
public import BlobCore

extension S3Backend {
    /// Deletes a blob; the service does not say whether there was one (S3-22, W-74).
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        let request = CloudRequest(.delete, uri, "deleting the blob")
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: CallDeadline(options))
        } catch {
            // Some services do say it, though the protocol does not.
            if error.error.code == .notFound { return DeleteResult(existed: false) }
            throw error.error.on(uri)
        }
        return DeleteResult(existed: nil)
    }

    /// Deletes the blobs of each bucket by one DeleteObjects request (W-75).
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        try CloudStore.checkDeletion(uris)
        let deadline = CallDeadline(options)
        var outcomes = [Result<DeleteResult, BlobError>](
            repeating: .success(DeleteResult(existed: nil)), count: uris.count)
        var batches: [String: S3DeleteBatch] = [:]
        // Those whose key no XML document can hold.
        var others: [(position: Int, uri: BlobURI)] = []
        for (position, uri) in uris.enumerated() {
            if let key = XMLText.escaped(uri.key) {
                batches[uri.container, default: S3DeleteBatch()].add(uri, key, position)
            } else {
                others.append((position, uri))
            }
        }
        let results = await CloudStore.deleteEach(others.map(\.uri)) {
            uri async throws(BlobError) in
            try await self.delete(uri, options: options)
        }
        for (other, result) in zip(others, results) { outcomes[other.position] = result }
        for batch in batches.values { await delete(batch, deadline, &outcomes) }
        return outcomes
    }

    private func delete(
        _ batch: S3DeleteBatch, _ deadline: CallDeadline,
        _ outcomes: inout [Result<DeleteResult, BlobError>]
    ) async {
        guard let first = batch.blobs.first else { return }
        var request = CloudRequest(.post, first.uri.replacingKey(""), "deleting blobs")
        request.query = [(name: "delete", value: "")]
        request.expectsDocument = true
        do throws(CloudFailure) {
            let body = Bytes(utf8: batch.document)
            do throws(BlobError) {
                // The one operation that insists on a checksum; every service knows this one.
                request.headers.append("content-md5", try MD5.base64(of: body))
                request.headers.append("content-type", "application/xml")
                request.body = .bytes([body], sha256: try SigV4.payloadHash([body]))
            } catch {
                throw CloudFailure(error)
            }
            let reply = try await client.reply(
                request, maximumByteCount: Self.maximumDeletionByteCount, deadline: deadline)
            try batch.read(reply.document, request, service, &outcomes)
        } catch {
            for blob in batch.blobs {
                outcomes[blob.position] = .failure(error.error.on(blob.uri))
            }
        }
    }

    private static let maximumDeletionByteCount = 4 << 20
}

/// What is deleted from one bucket by one request.
private struct S3DeleteBatch {
    struct Blob {
        var uri: BlobURI
        var position: Int
    }

    private(set) var blobs: [Blob] = []
    private var objects = ""

    mutating func add(_ uri: BlobURI, _ escapedKey: String, _ position: Int) {
        blobs.append(Blob(uri: uri, position: position))
        objects += "<Object><Key>\(escapedKey)</Key></Object>"
    }

    var document: String {
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(objects)</Delete>"
    }

    /// Each blob has its own outcome; one the answer does not mention is not known to be deleted.
    func read(
        _ document: XMLElement, _ request: CloudRequest, _ service: any CloudService,
        _ outcomes: inout [Result<DeleteResult, BlobError>]
    ) throws(CloudFailure) {
        guard document.name == "DeleteResult" else {
            throw CloudFailure.nonsense(request, "with something that is no list of deleted blobs")
        }
        let deleted = Set(
            document.all("Deleted").compactMap { $0.text(of: "Key").map { Array($0.utf8) } })
        var errors: [[UInt8]: XMLElement] = [:]
        for error in document.all("Error") {
            if let key = error.text(of: "Key") { errors[Array(key.utf8)] = error }
        }
        for blob in blobs {
            let key = Array(blob.uri.key.utf8)
            if let error = errors[key] {
                let failure = CloudFailure(
                    CloudRefusal(status: 200, document: error), request: request,
                    service: service)
                outcomes[blob.position] = .failure(failure.error.on(blob.uri))
            } else if !deleted.contains(key) {
                let failure = CloudFailure.nonsense(request, "without naming this blob")
                outcomes[blob.position] = .failure(failure.error.on(blob.uri))
            }
        }
    }
}
