internal import Backends
public import BlobCore

extension AzureBackend {
    /// Deletes a blob, and says whether there was one (W-74).
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        let request = CloudRequest(.delete, uri, "deleting the blob")
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: CallDeadline(options))
            return DeleteResult(existed: true)
        } catch {
            guard error.error.code == .notFound else { throw error.error.on(uri) }
            // An attempt whose answer was lost may have deleted it.
            return DeleteResult(existed: error.isAmbiguous ? nil : false)
        }
    }

    /// Deletes the blobs of each container by requests for 256 of them (W-75). What such a request
    /// does not settle, or where the service has none, each blob has its own.
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        try CloudStore.checkDeletion(uris)
        let deadline = CallDeadline(options)
        var outcomes: [Result<DeleteResult, BlobError>?] = uris.map { _ in nil }
        var positions: [BlobURI: [Int]] = [:]
        for (position, uri) in uris.enumerated() {
            // What is no name is left to itself: it must not cost the others their batch.
            guard (try? service.resource(uri)) != nil else { continue }
            positions[uri.replacingKey(""), default: []].append(position)
        }
        // Those that a batch may have deleted without telling.
        var uncertain: Set<Int> = []
        for (container, positions) in positions {
            var rest = positions[...]
            while rest.count > 1 {
                let batch = rest.prefix(AzureDeleteBatch.maximumCount)
                rest = rest.dropFirst(batch.count)
                let settled = await delete(batch.map { uris[$0] }, of: container, deadline)
                for (position, outcome) in zip(batch, settled) {
                    switch outcome {
                    case .settled(let result): outcomes[position] = .success(result)
                    case .refused: break
                    case .unknown: uncertain.insert(position)
                    }
                }
            }
        }
        let others = outcomes.indices.filter { outcomes[$0] == nil }
        let results = await CloudStore.deleteEach(others.map { uris[$0] }) {
            uri async throws(BlobError) in
            try await self.delete(uri, options: options)
        }
        for (position, result) in zip(others, results) {
            outcomes[position] = result.map { result in
                // W-74: the batch may be why there was none.
                uncertain.contains(position) && result.existed == false
                    ? DeleteResult(existed: nil) : result
            }
        }
        return outcomes.map { $0 ?? .failure(.cancelled) }
    }

    private func delete(
        _ uris: [BlobURI], of container: BlobURI, _ deadline: CallDeadline
    ) async -> [AzureBatchOutcome] {
        let batch: AzureDeleteBatch
        do throws(BlobError) {
            batch = try AzureDeleteBatch(
                uris, by: service, credentials: try await service.credentials.credentials())
        } catch {
            return uris.map { _ in .refused }
        }
        var request = CloudRequest(.post, container, "deleting blobs")
        request.query = [
            (name: "restype", value: "container"), (name: "comp", value: "batch"),
        ]
        request.headers.append("content-type", batch.contentType)
        request.body = .bytes([batch.body])
        // A second attempt could not tell what the first has deleted.
        request.isRepeatable = false
        do throws(CloudFailure) {
            let reply = try await client.reply(
                request, maximumByteCount: AzureDeleteBatch.maximumAnswerByteCount,
                deadline: deadline)
            return batch.outcomes(in: reply)
        } catch {
            // Who has no batches has not begun with one.
            let isRefused = !error.isAmbiguous || error.status == 501
            return uris.map { _ in isRefused ? .refused : .unknown }
        }
    }
}
