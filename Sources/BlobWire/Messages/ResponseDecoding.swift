public import BlobCore

extension BlobResponse {
    /// Reads the payload of a RESPONSE frame that answers `operation`.
    ///
    /// - Throws: when the frame is malformed or lacks what the operation returns; the connection
    ///   cannot be trusted any further.
    public init(payload: Bytes, answering operation: BlobOperation) throws(WireError) {
        self = try payload.withReader { (reader) throws(WireError) -> BlobResponse in
            switch try ResponseStatus(&reader) {
            case .success(let fields): try BlobResponse(fields, operation)
            case .failure(let error): .failure(error)
            }
        }
    }

    /// Reads a trailer: nothing when the body is whole, an error when it is not (rule W-24).
    public static func trailerError(payload: Bytes) throws(WireError) -> BlobError? {
        try payload.withReader { (reader) throws(WireError) -> BlobError? in
            switch try ResponseStatus(&reader) {
            case .success: nil
            case .failure(let error): error
            }
        }
    }

    private init(_ fields: ResponseFields, _ operation: BlobOperation) throws(WireError) {
        switch operation {
        case .head, .get: self = .metadata(try fields.metadata(), ranges: fields.ranges)
        case .put, .copy, .completeMultipartUpload: self = .written(try fields.putResult())
        case .delete: self = .deleted(DeleteResult(existed: fields.existed))
        case .deleteMany, .presignUploadParts, .removeListener, .listListeners: self = .records
        case .list: self = .page(nextPageToken: fields.pageToken)
        case .presignGet, .presignPut, .presignHead, .presignDelete:
            self = .url(try fields.presignedURL())
        case .createMultipartUpload:
            self = .upload(
                MultipartUpload(
                    uri: try fields.blobURI(), uploadID: try fields.required(fields.uploadID)))
        case .uploadPart: self = .part(try fields.part())
        case .listParts: self = .parts(nextPartNumber: fields.partNumber)
        case .abortMultipartUpload: self = .done
        case .capabilities:
            self = .capabilities(
                Capabilities(
                    operations: fields.operations,
                    features: Capabilities.Features(rawValue: fields.features),
                    limits: try fields.required(fields.limits)))
        case .info: self = .info(fields.info)
        case .addListener: self = .listener(path: try fields.required(fields.socketPath))
        }
    }
}

/// The fixed four bytes of a response and what follows: `u16 status | u8 retry | u8 origin`.
enum ResponseStatus {
    case success(ResponseFields)
    case failure(BlobError)

    init(_ reader: inout ByteReader) throws(WireError) {
        let code = BlobError.Code(rawValue: try reader.readUInt16())
        let retry = try reader.readUInt8()
        let origin = try reader.readUInt8()
        let fields = try ResponseFields(&reader)
        guard code.rawValue != 0 else {
            self = .success(fields)
            return
        }
        var error = BlobError(code, fields.message)
        error.uri = fields.uri
        error.retry = BlobError.RetryClass(rawValue: retry) ?? .never
        error.origin = BlobError.Origin(rawValue: origin) ?? .server
        error.retryAfter = fields.retryAfterMilliseconds.map { .milliseconds(Int64($0)) }
        error.objectByteCount = fields.objectByteCount
        self = .failure(error)
    }
}

extension ResponseFields {
    func required<Value>(_ value: Value?) throws(WireError) -> Value {
        guard let value else {
            throw WireError(.badFrame, "a response lacks a field its operation returns (W-62)")
        }
        return value
    }

    func blobURI() throws(WireError) -> BlobURI {
        do {
            return try BlobURI(parsingPrefix: try required(uri))
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError(.badFrame, "a response holds an invalid URI (W-62)")
        }
    }

    func metadata() throws(WireError) -> BlobMetadata {
        BlobMetadata(
            byteCount: try required(byteCount), etag: try required(etag),
            lastModified: try required(lastModified), contentType: contentType,
            userMetadata: userMetadata, version: version)
    }

    func putResult() throws(WireError) -> PutResult {
        PutResult(
            etag: try required(etag), byteCount: try required(byteCount), version: version,
            sha256: sha256)
    }

    func part() throws(WireError) -> UploadedPart {
        UploadedPart(partNumber: try required(partNumber), etag: etag, byteCount: byteCount)
    }

    func presignedURL() throws(WireError) -> PresignedURL {
        PresignedURL(
            url: try required(url), method: try required(method), headers: httpHeaders,
            expiresAt: expiresAt)
    }
}
