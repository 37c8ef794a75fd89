internal import Backends
internal import BlobCore

extension S3Backend {
    /// Writes a blob in parts. Whatever goes wrong, the upload is given up, and with it its parts.
    func putParts(
        _ first: S3FirstPart, _ reader: S3BodyReader, _ sizes: S3PartSizes,
        _ expected: [UInt8]?, _ write: S3Write
    ) async throws(BlobError) -> PutResult {
        let uploadID = try await beginOwnUpload(
            write.uri, write.attributes, write.commitToken, checksum: checksum, write.deadline)
        let entry = await note(write.uri, uploadID: uploadID)
        do throws(BlobError) {
            let outcome = await withTaskGroup(of: S3PartOutcome.self) { group in
                await self.upload(first, reader, sizes, uploadID, write, in: &group)
            }
            let parts = try outcome.get()
            try Self.check(reader, expected, &write.sha256)
            let result = try await finishUpload(
                write.uri, uploadID, parts, byteCount: reader.byteCount, write)
            entry?.end()
            return result
        } catch {
            // CM-14: also when the caller is gone, whose cancellation does not reach this.
            let uri = write.uri
            background.start {
                if await self.giveUp(uri, uploadID) { entry?.end() }
            }
            throw error
        }
    }

    /// Reads part after part and keeps a number of them on their way.
    private func upload(
        _ first: S3FirstPart, _ reader: S3BodyReader, _ sizes: S3PartSizes,
        _ uploadID: String, _ write: S3Write, in group: inout TaskGroup<S3PartOutcome>
    ) async -> Result<[S3Part], BlobError> {
        var parts: [S3Part] = []
        var runningCount = 0
        var number: UInt32 = 1
        var pieces = first.takePieces()
        var ticket = first.ticket
        do throws(BlobError) {
            while true {
                start(
                    S3PartUpload(
                        uri: write.uri, uploadID: uploadID, number: number, pieces: pieces,
                        ticket: ticket, checksum: checksum, deadline: write.deadline), in: &group)
                pieces = []
                runningCount += 1
                if try await reader.isAtEnd() { break }
                guard number < S3Limits.maximumPartCount else {
                    throw BlobError(.tooLarge, "the body is longer than the service can store")
                }
                number += 1
                if runningCount >= configuration.concurrentPartCount {
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
    private func start(_ part: S3PartUpload, in group: inout TaskGroup<S3PartOutcome>) {
        group.addTask { await self.outcome(of: part) }
    }

    private func outcome(of part: S3PartUpload) async -> S3PartOutcome {
        // Whoever waits for memory must not hold the ticket of a part that is done: enough writes
        // that do so wait for each other for ever.
        defer { part.ticket?.end() }
        do throws(BlobError) {
            return .success(try await send(part))
        } catch {
            return .failure(error)
        }
    }

    /// Uploads one part; the same part can be sent again (S3-15).
    func send(_ part: S3PartUpload) async throws(BlobError) -> S3Part {
        var request = S3Request(.put, part.uri, "writing part \(part.number) of the blob")
        request.query = [
            (name: "partNumber", value: String(part.number)),
            (name: "uploadId", value: part.uploadID),
        ]
        request.headers.append(options.customerKey)
        let digests = try await S3Digests.compute(
            part.pieces, checksum: part.checksum, signsPayload: endpoint.isPlain, on: hashing,
            part.uri)
        request.body = .bytes(part.pieces, payloadHash: digests.payloadHash)
        if let checksum = part.checksum, let value = digests.checksum {
            request.headers.append(checksum.headerName, value)
        }
        do throws(S3Failure) {
            let reply = try await client.reply(request, deadline: part.deadline)
            guard let etag = reply.headers["etag"].flatMap(S3EntityTag.quoted) else {
                throw S3Failure(Self.noEntityTag(part.uri))
            }
            return S3Part(
                number: part.number, etag: etag,
                byteCount: part.pieces.reduce(0) { $0 + UInt64($1.count) },
                checksum: digests.checksum)
        } catch {
            throw error.error
        }
    }
}

/// What was read of a body before it was known to have several parts. Used by one task.
final class S3FirstPart {
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

typealias S3PartOutcome = Result<S3Part, BlobError>

/// A part that is to be uploaded, in memory.
struct S3PartUpload: Sendable {
    var uri: BlobURI
    var uploadID: String
    var number: UInt32
    var pieces: [Bytes]
    /// The memory that `pieces` take.
    var ticket: MemoryBudget.Ticket?
    var checksum: S3ChecksumKind?
    var deadline: CallDeadline
}

/// A part that the service has.
struct S3Part: Sendable {
    var number: UInt32
    var etag: String
    var byteCount: UInt64?
    /// In Base64, when one was sent.
    var checksum: String?
}
