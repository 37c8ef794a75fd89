public import BlobCore

extension BlobRequest {
    /// Reads the payload of a REQUEST frame (rule W-40).
    ///
    /// - Parameter hasAdministration: Whether the operations for launchers exist where it was received
    ///   (rule W-100).
    /// - Throws: `refused` for what can be answered on the stream, `malformed` for what cannot be
    ///   trusted any further.
    public init(
        payload: Bytes, hasAdministration: Bool = true
    ) throws(RequestRejection) {
        self = try payload.withReader { (reader) throws(RequestRejection) -> BlobRequest in
            try BlobRequest(&reader, hasAdministration)
        }
    }

    private init(
        _ reader: inout ByteReader, _ hasAdministration: Bool
    ) throws(RequestRejection) {
        let rawOperation: UInt16
        let milliseconds: UInt32
        do {
            rawOperation = try reader.readUInt16()
            _ = try reader.readUInt16()
            milliseconds = try reader.readUInt32()
        } catch {
            throw .malformed(error)
        }
        guard let operation = BlobOperation(rawValue: rawOperation),
            hasAdministration || !operation.isAdministrative
        else {
            throw .refused(.unknownOperation(rawOperation))
        }
        let fields = try RequestFields(&reader, allowed: operation.allowedFields)
        do {
            self.init(try fields.arguments(of: operation))
        } catch {
            throw .refused(error)
        }
        timeout = milliseconds == 0 ? nil : .milliseconds(Int64(milliseconds))
    }
}

extension BlobError {
    /// W-40
    package static func unknownOperation(_ number: UInt16) -> BlobError {
        BlobError(.unsupportedOperation, "operation \(number) is unknown to this server")
    }
}

extension BlobOperation {
    fileprivate var allowedFields: FieldTagSet {
        switch self {
        case .head, .get: Self.getFields
        case .put: Self.putFields
        case .delete, .capabilities: Self.uriFields
        case .deleteMany, .info: []
        case .list: Self.listFields
        case .copy: Self.copyFields
        case .presignGet, .presignPut, .presignHead, .presignDelete: Self.presignFields
        case .createMultipartUpload: Self.createFields
        case .uploadPart: Self.uploadPartFields
        case .presignUploadParts: Self.presignPartsFields
        case .listParts: Self.listPartsFields
        case .completeMultipartUpload: Self.completeFields
        case .abortMultipartUpload: Self.abortFields
        case .addListener: Self.addListenerFields
        case .removeListener: Self.removeListenerFields
        case .listListeners: []
        }
    }

    private static let uriFields: FieldTagSet = [.uri]
    private static let getFields: FieldTagSet = [.uri, .range, .ifMatch, .ifNoneMatch]
    private static let putFields: FieldTagSet = [
        .uri, .condition, .contentType, .userMetadata, .computeSHA256, .expectedSHA256,
        .bodyByteCount,
    ]
    private static let listFields: FieldTagSet = [
        .uri, .delimiter, .startAfter, .pageToken, .pageEntryCount,
    ]
    private static let copyFields: FieldTagSet = [.uri, .destinationURI, .condition, .ifMatch]
    private static let presignFields: FieldTagSet = [.uri, .validSeconds]
    private static let createFields: FieldTagSet = [.uri, .contentType, .userMetadata]
    private static let uploadPartFields: FieldTagSet = [
        .uri, .uploadID, .partNumber, .partOffset, .bodyByteCount,
    ]
    private static let presignPartsFields: FieldTagSet = [.uri, .uploadID, .validSeconds]
    private static let listPartsFields: FieldTagSet = [.uri, .uploadID, .partNumber]
    private static let completeFields: FieldTagSet = [.uri, .uploadID, .condition]
    private static let abortFields: FieldTagSet = [.uri, .uploadID]
    private static let addListenerFields: FieldTagSet = [
        .listenerText, .leaseSeconds, .endsWithCaller,
    ]
    private static let removeListenerFields: FieldTagSet = [.socketPath]
}

extension RequestFields {
    private func presign(
        _ method: PresignMethod
    ) throws(BlobError) -> BlobRequest.Arguments {
        .presign(method, try blobURI(), try presignOptions())
    }

    fileprivate func arguments(
        of operation: BlobOperation
    ) throws(BlobError) -> BlobRequest.Arguments {
        switch operation {
        case .head: .head(try blobURI(), getOptions)
        case .get: .get(try blobURI(), getOptions)
        case .put: .put(try blobURI(), putOptions, bodyByteCount: bodyByteCount)
        case .delete: .delete(try blobURI())
        case .deleteMany: .deleteMany
        case .list: .list(try prefixURI(), try listOptions())
        case .copy:
            .copy(
                from: try blobURI(),
                to: try BlobURI(parsing: try required(destinationURI, "destination URI")),
                CopyOptions(condition: condition ?? .overwrite, ifSourceMatch: ifMatch))
        case .presignGet: try presign(.get)
        case .presignPut: try presign(.put)
        case .presignHead: try presign(.head)
        case .presignDelete: try presign(.delete)
        case .createMultipartUpload:
            .createMultipartUpload(
                try blobURI(),
                MultipartOptions(contentType: contentType, userMetadata: userMetadata))
        case .uploadPart:
            .uploadPart(
                try upload(), partNumber: try required(partNumber, "part number"),
                UploadPartOptions(offset: partOffset), bodyByteCount: bodyByteCount)
        case .presignUploadParts: .presignUploadParts(try upload(), try presignOptions())
        case .listParts: .listParts(try upload(), afterPartNumber: partNumber ?? 0)
        case .completeMultipartUpload:
            .completeMultipartUpload(
                try upload(), CompleteOptions(condition: condition ?? .overwrite))
        case .abortMultipartUpload: .abortMultipartUpload(try upload())
        case .capabilities: .capabilities(try prefixURI())
        case .info: .info
        case .addListener:
            .addListener(
                try required(listenerText, "listener"),
                ListenerOptions(leaseSeconds: leaseSeconds, endsWithCaller: endsWithCaller))
        case .removeListener: .removeListener(path: try required(socketPath, "socket path"))
        case .listListeners: .listListeners
        }
    }

    /// W-48: a missing field is answered, not guessed.
    private func required<Value>(_ value: Value?, _ name: String) throws(BlobError) -> Value {
        guard let value else {
            throw BlobError(
                .invalidArgument, "the request lacks its \(name) (W-48)", origin: .protocol)
        }
        return value
    }

    private func blobURI() throws(BlobError) -> BlobURI {
        try BlobURI(parsing: try required(uri, "URI"))
    }

    private func prefixURI() throws(BlobError) -> BlobURI {
        try BlobURI(parsingPrefix: try required(uri, "URI"))
    }

    private func upload() throws(BlobError) -> MultipartUpload {
        MultipartUpload(uri: try blobURI(), uploadID: try required(uploadID, "upload id"))
    }

    private var getOptions: GetOptions {
        GetOptions(ranges: ranges, ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
    }

    private var putOptions: PutOptions {
        PutOptions(
            condition: condition ?? .overwrite, contentType: contentType,
            userMetadata: userMetadata, computesSHA256: computesSHA256,
            expectedSHA256: expectedSHA256)
    }

    private func listOptions() throws(BlobError) -> ListOptions {
        let count = pageEntryCount ?? ListOptions.maximumPageEntryCount
        // W-44
        guard (1...ListOptions.maximumPageEntryCount).contains(count) else {
            throw BlobError(
                .invalidArgument, "a page has 1 to \(ListOptions.maximumPageEntryCount) entries",
                origin: .protocol)
        }
        return ListOptions(
            delimiter: delimiter, startAfter: startAfter, pageToken: pageToken,
            pageEntryCount: count)
    }

    private func presignOptions() throws(BlobError) -> PresignOptions {
        PresignOptions(validSeconds: try required(validSeconds, "validity"))
    }
}
