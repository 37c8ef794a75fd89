internal import Backends
internal import BlobCore

extension CloudStore {
    /// Writes a blob in parts.
    func putParts(
        _ first: FirstPart, _ reader: BodyReader, _ sizes: PartSizes, _ write: CloudWrite
    ) async throws(BlobError) -> PutResult {
        var sha256: [UInt8]?
        var result = try await putByUpload(write, hasChecksums: true) {
            upload async throws(BlobError) in
            let outcome = await withTaskGroup(of: PartOutcome.self) { group in
                await self.upload(first, reader, sizes, upload, write.deadline, in: &group)
            }
            let parts = try outcome.get()
            sha256 = try reader.sha256()
            return parts
        }
        result.sha256 = sha256
        return result
    }

    /// Writes a blob through an upload of our own that `parts` fills. Whatever goes wrong, the upload
    /// is given up, and with it its parts.
    func putByUpload(
        _ write: CloudWrite, hasChecksums: Bool,
        parts: (CloudUpload) async throws(BlobError) -> [StoredPart]
    ) async throws(BlobError) -> PutResult {
        let upload = try await beginOwnUpload(
            NewUpload(
                uri: write.uri, attributes: write.attributes, commitToken: write.commitToken,
                hasChecksums: hasChecksums, deadline: write.deadline))
        let entry = await note(upload)
        do throws(BlobError) {
            let result = try await finish(upload, try await parts(upload), write)
            entry?.end()
            return result
        } catch {
            // CM-14: also when the caller is gone, whose cancellation does not reach this.
            background.start {
                if await self.giveUp(upload) { entry?.end() }
            }
            throw error
        }
    }

    /// Reads part after part and keeps a number of them on their way.
    private func upload(
        _ first: FirstPart, _ reader: BodyReader, _ sizes: PartSizes, _ upload: CloudUpload,
        _ deadline: CallDeadline, in group: inout TaskGroup<PartOutcome>
    ) async -> Result<[StoredPart], BlobError> {
        var parts: [StoredPart] = []
        var runningCount = 0
        var number: UInt32 = 1
        var pieces = first.takePieces()
        var ticket = first.ticket
        do throws(BlobError) {
            while true {
                start(
                    PartUpload(
                        upload: upload, number: number, body: .bytes(pieces), ticket: ticket,
                        deadline: deadline), in: &group)
                pieces = []
                runningCount += 1
                if try await reader.isAtEnd() { break }
                guard number < dialect.limits.maximumPartCount else {
                    throw BlobError(
                        .tooLarge,
                        "the body is longer than parts that fit into memory make up, or than the"
                            + " service can store; say its length, raise memoryBudgetBytes, or"
                            + " upload in parts of your own")
                }
                number += 1
                if runningCount >= settings.concurrentPartCount {
                    if let outcome = await group.next() { parts.append(try outcome.get()) }
                    runningCount -= 1
                }
                let byteCount = sizes.byteCount(ofPart: Int(number))
                ticket = try await memory.take(byteCount)
                pieces = try await reader.part(upTo: byteCount)
            }
            while let outcome = await group.next() { parts.append(try outcome.get()) }
        } catch {
            group.cancelAll()
            return .failure(error)
        }
        return .success(parts.sorted { $0.number < $1.number })
    }

    /// In a frame of its own, which does not keep the bytes of the part.
    private func start(_ part: PartUpload, in group: inout TaskGroup<PartOutcome>) {
        group.addTask { await self.outcome(of: part) }
    }

    private func outcome(of part: PartUpload) async -> PartOutcome {
        // Whoever waits for memory must not hold the ticket of a part that is done: enough writes
        // that do so wait for each other for ever.
        defer { part.ticket?.end() }
        do throws(CloudFailure) {
            return .success(try await dialect.uploadPart(part))
        } catch {
            return .failure(error.error)
        }
    }
}

typealias PartOutcome = Result<StoredPart, BlobError>

/// What was read of a body before it was known to have several parts. Used by one task.
final class FirstPart {
    /// The memory that the pieces take.
    let ticket: MemoryBudget.Ticket
    private var pieces: [Bytes]

    init(_ pieces: [Bytes], _ ticket: MemoryBudget.Ticket) {
        self.pieces = pieces
        self.ticket = ticket
    }

    /// The pieces, once: the frames that wait for the whole write do not keep them.
    func takePieces() -> [Bytes] {
        defer { pieces = [] }
        return pieces
    }
}
