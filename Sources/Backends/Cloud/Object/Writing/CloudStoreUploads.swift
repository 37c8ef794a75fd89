internal import Backends
internal import BlobCore

extension CloudStore {
    /// Begins an upload that this server completes itself. Should the caller go meanwhile, it is given
    /// up as soon as its name is known, for nobody else will ever know it (CM-14).
    func beginOwnUpload(_ new: NewUpload) async throws(BlobError) -> CloudUpload {
        let handover = Handover<Result<CloudUpload, BlobError>>()
        // Waited for when the store is closed: what it begins has to be given up then.
        background.start {
            let outcome: Result<CloudUpload, BlobError>
            do throws(BlobError) {
                outcome = .success(try await self.beginUpload(new))
            } catch {
                outcome = .failure(error)
            }
            guard !handover.give(outcome), case .success(let upload) = outcome else { return }
            _ = await self.giveUp(upload)
        }
        guard let outcome = await handover.take() else { throw BlobError.cancelled }
        return try outcome.get()
    }

    func beginUpload(_ new: NewUpload) async throws(BlobError) -> CloudUpload {
        do throws(CloudFailure) {
            return CloudUpload(
                uri: new.uri, uploadID: try await dialect.beginUpload(new),
                hasChecksums: new.hasChecksums)
        } catch {
            throw error.error
        }
    }

    /// Gives up an upload of ours; false when the service could not be told.
    func giveUp(_ upload: CloudUpload) async -> Bool {
        do throws(CloudFailure) {
            try await dialect.abandonUpload(
                upload, deadline: CallDeadline(CallOptions(timeout: .seconds(60))))
            return true
        } catch {
            return false
        }
    }

    /// Makes the blob from parts that are known to be in order.
    func finish(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(BlobError) -> PutResult {
        do throws(CloudFailure) {
            let finished = try await dialect.finishUpload(upload, parts, write)
            let byteCounts = parts.compactMap(\.byteCount)
            guard byteCounts.count == parts.count else {
                return try await measured(finished, write)
            }
            return PutResult(
                etag: finished.etag, byteCount: byteCounts.reduce(0, &+),
                version: finished.version)
        } catch {
            return try await resolve(error, write)
        }
    }

    /// Nobody has said how large the blob became. The upload is completed whatever is found there now:
    /// somebody else may have written since.
    private func measured(
        _ finished: FinishedUpload, _ write: CloudWrite
    ) async throws(CloudFailure) -> PutResult {
        do throws(BlobError) {
            let reply = try await headReply(write.uri, GetOptions(), write.deadline)
            guard isOurs(reply.headers, finished, write) else {
                throw BlobError(.objectChanged, "", origin: .backend)
            }
            return PutResult(
                etag: finished.etag, byteCount: try size(reply, write.uri),
                version: finished.version ?? dialect.metadata.version(reply.headers))
        } catch {
            guard [.objectChanged, .notFound, .containerNotFound].contains(error.code) else {
                throw CloudFailure(error)
            }
            var changed = BlobError(
                .objectChanged,
                "the upload was completed, but the blob was replaced or deleted at once; give the"
                    + " byte counts of the parts, and it need not be looked at",
                origin: .backend)
            // There is nothing left that could be completed.
            changed.retry = .never
            throw CloudFailure(changed)
        }
    }

    /// By its entity tag, or by the token where the service tells another tag later.
    private func isOurs(
        _ headers: HTTPHeaders, _ finished: FinishedUpload, _ write: CloudWrite
    ) -> Bool {
        headers.entityTag == finished.etag
            || headers[dialect.metadata.commitTokenHeader] == write.commitToken
    }

    /// S3-11: a completion whose answer was lost is found by its token.
    private func resolve(
        _ failure: CloudFailure, _ write: CloudWrite
    ) async throws(BlobError) -> PutResult {
        let isGone = failure.error.code == .uploadNotFound
        if isGone || failure.isAmbiguous, let result = try await committed(write, after: failure) {
            return result
        }
        if isGone { throw failure.error }
        throw write.condition.error(for: failure)
    }
}
