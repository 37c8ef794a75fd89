internal import Backends
internal import BlobCore

/// A blob that is written by one request after the other. Nothing is visible before the last.
protocol OrderedUpload: Sendable {
    /// Sends what comes next; the blob is there when that was the last.
    mutating func append(
        _ pieces: [Bytes], isLast: Bool
    ) async throws(CloudFailure) -> FinishedUpload?

    /// Fails when the blob that has these headers is not of the bytes that were sent, and removes it
    /// then. What the headers do not tell is taken for right.
    func check(_ headers: HTTPHeaders) async throws(CloudFailure)

    /// Gives it up.
    func giveUp() async
}

extension CloudStore {
    /// Writes a blob in order, a part at a time.
    func putInOrder(
        _ first: FirstPart, _ reader: BodyReader, _ sizes: PartSizes, _ write: CloudWrite,
        _ begun: any OrderedUpload
    ) async throws(BlobError) -> PutResult {
        var upload = begun
        var pieces = first.takePieces()
        var ticket = first.ticket
        var number = 1
        defer { ticket.end() }
        do throws(BlobError) {
            while true {
                let isLast = try await reader.isAtEnd()
                let sha256 = isLast ? try reader.sha256() : nil
                if let finished = try await append(pieces, to: &upload, isLast: isLast, write) {
                    return PutResult(
                        etag: finished.etag, byteCount: reader.byteCount,
                        version: finished.version, sha256: sha256)
                }
                // Whoever waits for memory must not hold what is not needed any more.
                pieces = []
                ticket.end()
                number += 1
                let byteCount = sizes.byteCount(ofPart: number)
                ticket = try await memory.take(byteCount)
                pieces = try await reader.part(upTo: byteCount)
            }
        } catch {
            // CM-14: also when the caller is gone, whose cancellation does not reach this.
            let abandoned = upload
            background.start { await abandoned.giveUp() }
            throw error
        }
    }

    private func append(
        _ pieces: [Bytes], to upload: inout any OrderedUpload, isLast: Bool, _ write: CloudWrite
    ) async throws(BlobError) -> FinishedUpload? {
        do throws(CloudFailure) {
            return try await upload.append(pieces, isLast: isLast)
        } catch {
            // S3-21: the last answer may have been lost.
            if isLast, error.isAmbiguous, let blob = try await committedBlob(write, after: error) {
                do throws(CloudFailure) {
                    try await upload.check(blob.headers)
                } catch {
                    throw error.error
                }
                return FinishedUpload(etag: blob.result.etag, version: blob.result.version)
            }
            throw write.condition.error(for: error)
        }
    }
}
