internal import Backends
internal import BlobCore

/// The steps of an upload: blocks, and a list that makes them the blob.
extension AzureDialect {
    var partsHaveEntityTags: Bool { false }

    /// Asks nobody: what was begun is in the name (docs/azure.md).
    func beginUpload(_ upload: NewUpload) async throws(CloudFailure) -> String {
        do throws(BlobError) {
            let name = try AzureBlobName(upload.uri, at: service.endpoint)
            // What the service would refuse at the end is refused here.
            _ = try metadata.headers(upload.attributes, commitToken: upload.commitToken)
            return try AzureUploadID.make(
                upload.attributes, for: upload.uri.replacingKey(name.key),
                in: service.endpoint.account)
        } catch {
            throw CloudFailure(error)
        }
    }

    /// What the name of an upload of this server says.
    func upload(_ text: String, _ uri: BlobURI) throws(BlobError) -> AzureUploadID {
        // Also for what asks nobody: the check of the upload's name is no secret.
        _ = try service.resource(uri)
        let upload = try AzureUploadID(text, for: uri, in: service.endpoint.account)
        guard !abandoned.contains(upload.nonce) else { throw AzureUploadID.unknown(uri) }
        return upload
    }

    func uploadPart(_ part: PartUpload) async throws(CloudFailure) -> StoredPart {
        let uri = part.upload.uri
        var request = CloudRequest(.put, uri, "writing part \(part.number) of the blob")
        do throws(BlobError) {
            let upload = try upload(part.upload.uploadID, uri)
            // AZ-09: the service takes no block of nothing, and the list can do without it.
            if part.body.byteCount == 0 {
                return StoredPart(number: part.number, byteCount: 0)
            }
            request.query = [
                (name: "comp", value: "block"),
                (name: "blockid", value: upload.blocks.name(of: part.number)),
            ]
            request.headers = options.blocks
            if case .bytes(let pieces, _) = part.body {
                try await attach(pieces, to: &request)
            } else {
                request.body = part.body
                // S3-08: a refusal should come before the bytes that can be sent only once.
                request.expectsContinue = true
            }
        } catch {
            throw CloudFailure(error)
        }
        _ = try await client.reply(request, deadline: part.deadline)
        return StoredPart(number: part.number, byteCount: part.body.byteCount)
    }

    /// AZ-06: only blocks that nobody has committed yet. A list that is sent again is refused then,
    /// and the blob is known by its token; it would be written a second time otherwise.
    func finishUpload(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        let named: AzureUploadID
        if parts.allSatisfy({ $0.byteCount == 0 }), let finished = await alreadyEmpty(write) {
            return finished
        }
        var request = CloudRequest(.put, upload.uri, "completing the upload")
        do throws(BlobError) {
            named = try self.upload(upload.uploadID, upload.uri)
            request.query = [(name: "comp", value: "blocklist")]
            // AZ-07: the type of the list is not that of the blob.
            request.headers.append("content-type", "application/xml")
            request.headers.append(
                try metadata.headers(named.attributes, commitToken: write.commitToken))
            request.headers.append(write.properties)
            request.headers.append(options.creation)
            request.headers.append(write.condition.headers)
            try await attach([Self.list(parts, of: named.blocks)], to: &request)
            request.takesLong = true
        } catch {
            throw CloudFailure(error)
        }
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: write.deadline)
            guard let etag = reply.headers.entityTag else {
                throw CloudFailure(EntityTag.missing(upload.uri))
            }
            return FinishedUpload(etag: etag, version: metadata.version(reply.headers))
        } catch {
            throw try await explained(error, upload.uri, named, parts, write)
        }
    }

    /// The service takes a list of nothing as often as it is sent: the blob of its first completion is
    /// looked for before (CM-18).
    private func alreadyEmpty(_ write: CloudWrite) async -> FinishedUpload? {
        do throws(BlobError) {
            let reply = try await headReply(write.uri, GetOptions(), write.deadline)
            guard reply.headers[metadata.commitTokenHeader] == write.commitToken,
                let etag = reply.headers.entityTag
            else { return nil }
            return FinishedUpload(etag: etag, version: metadata.version(reply.headers))
        } catch {
            // Then there is nothing of ours.
            return nil
        }
    }

    private static func list(_ parts: [StoredPart], of blocks: AzureBlockNames) -> Bytes {
        var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
        for part in parts where part.byteCount != 0 {
            text += "<Uncommitted>\(blocks.name(of: part.number))</Uncommitted>"
        }
        return Bytes(utf8: text + "</BlockList>")
    }

    /// What a refused list means. Our own list before it may be the reason; then the blob has our
    /// token, and whoever gets this failure looks for that.
    private func explained(
        _ failure: CloudFailure, _ uri: BlobURI, _ upload: AzureUploadID, _ parts: [StoredPart],
        _ write: CloudWrite
    ) async throws(CloudFailure) -> CloudFailure {
        var failure = failure
        switch failure.error.code {
        case .alreadyExists, .preconditionFailed:
            failure.isAmbiguous = failure.isAmbiguous || write.condition != .overwrite
        case .multipart:
            failure.isAmbiguous = true
            failure.retry = nil
            let found = try await blocks(of: upload, uri, write.deadline)
            let wanted = parts.filter { $0.byteCount != 0 }.map(\.number)
            let missing = wanted.filter { found[$0] == nil }
            if missing.count == wanted.count {
                // AZ-08
                var error = BlobError(
                    .conflict,
                    "completing the upload failed: none of its parts is there any more. Another"
                        + " write of this blob has come first, and Azure drops the parts of all"
                        + " others then; begin the upload anew",
                    origin: .backend)
                error.retry = .never
                failure.error = error
            } else if let first = missing.first {
                failure.error.message =
                    "completing the upload failed: part \(first) is not there"
                    + (missing.count > 1 ? ", nor are \(missing.count - 1) others" : "")
                    + "; upload what is missing and complete again"
            }
        default: break
        }
        return failure
    }

    /// No request: there is none. Azure forgets the blocks after a week (docs/azure.md).
    func abandonUpload(
        _ upload: CloudUpload, deadline: CallDeadline
    ) async throws(CloudFailure) {
        guard
            let named = try? AzureUploadID(
                upload.uploadID, for: upload.uri, in: service.endpoint.account)
        else { return }
        abandoned.add(named.nonce)
    }
}

// MARK: The blocks that are there

extension AzureDialect {
    /// The sizes of the blocks of this upload that no list has committed yet, by their numbers.
    func blocks(
        of upload: AzureUploadID, _ uri: BlobURI, _ deadline: CallDeadline
    ) async throws(CloudFailure) -> [UInt32: UInt64] {
        var request = CloudRequest(.get, uri, "listing the parts")
        request.query = [
            (name: "comp", value: "blocklist"), (name: "blocklisttype", value: "uncommitted"),
        ]
        request.expectsDocument = true
        request.maximumElementCount = Self.maximumListElementCount
        let document: XMLElement
        do throws(CloudFailure) {
            document = try await client.reply(
                request, maximumByteCount: Self.maximumListByteCount, deadline: deadline
            ).document
        } catch {
            // No block was put yet, and there is no blob either.
            if error.error.code == .notFound { return [:] }
            throw error
        }
        guard document.name == "BlockList" else {
            throw CloudFailure.nonsense(request, "with something that is no list of blocks")
        }
        var found: [UInt32: UInt64] = [:]
        for block in document.first("UncommittedBlocks")?.all("Block") ?? [] {
            guard let name = block.text(of: "Name"),
                let byteCount = block.text(of: "Size").flatMap({ ByteCount.parse($0) })
            else { throw CloudFailure.nonsense(request, "with a block without name or size") }
            // Others may write the same blob.
            if let number = upload.blocks.number(of: name) { found[number] = byteCount }
        }
        return found
    }

    /// The service keeps 100,000 blocks that are not committed, of all who write the blob. Each is an
    /// element of two, with a name of up to 88 characters.
    private static let maximumListByteCount = XMLLimits.byteCount
    private static let maximumListElementCount = 3 * 100_000 + 16

    /// W-82: the service knows no pages here.
    func listParts(
        _ upload: MultipartUpload, after afterPartNumber: UInt32, _ options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let name = try UploadName(upload)
        let named = try self.upload(name.uploadID, upload.uri)
        let found: [UInt32: UInt64]
        do throws(CloudFailure) {
            found = try await blocks(of: named, upload.uri, CallDeadline(options))
        } catch {
            throw error.error.on(upload.uri)
        }
        let numbers = found.keys.filter { $0 > afterPartNumber }.sorted()
        var page = PartPage(
            parts: numbers.prefix(Self.partPageCount).map {
                UploadedPart(partNumber: $0, byteCount: found[$0])
            })
        if numbers.count > Self.partPageCount { page.nextPartNumber = page.parts.last?.partNumber }
        return page
    }

    private static let partPageCount = 1000
}
