internal import Backends
internal import BlobCore

extension CloudStore {
    static func checkDeletion(_ uris: [BlobURI]) throws(BlobError) {
        guard uris.count <= maximumDeletionCount else {
            throw BlobError(.invalidArgument, "at most 1000 blobs can be deleted in one call")
        }
    }

    /// Deletes blob by blob, several at once, what no request deletes together (W-75).
    static func deleteEach(
        _ uris: [BlobURI],
        by delete: @escaping @Sendable (BlobURI) async throws(BlobError) -> DeleteResult
    ) async -> [Result<DeleteResult, BlobError>] {
        typealias Outcome = (position: Int, result: Result<DeleteResult, BlobError>)
        return await withTaskGroup(of: Outcome.self) { group in
            var results = [Result<DeleteResult, BlobError>](
                repeating: .failure(.cancelled), count: uris.count)
            for (position, uri) in uris.enumerated() {
                if position >= concurrentDeletionCount, let outcome = await group.next() {
                    results[outcome.position] = outcome.result
                }
                group.addTask {
                    do throws(BlobError) {
                        return (position, .success(try await delete(uri)))
                    } catch {
                        return (position, .failure(error))
                    }
                }
            }
            for await outcome in group { results[outcome.position] = outcome.result }
            return results
        }
    }

    private static let maximumDeletionCount = 1000
    private static let concurrentDeletionCount = 16
}
