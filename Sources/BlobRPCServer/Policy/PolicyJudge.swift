internal import BlobCore
internal import BlobWire

/// What a policy says about a call: the one place where that is decided. Whatever is not listed is
/// refused, so an operation that comes to the protocol later is refused until a grant names it.
struct PolicyJudge: Sendable {
    let policy: ListenerPolicy
    /// What the socket offers anywhere; HELLO says so.
    let operations: Set<BlobOperation>

    private static let readOnlyOperations: Set<BlobOperation> = [
        .head, .get, .list, .presignGet, .presignHead, .capabilities, .info, .listParts,
    ]

    init(_ policy: ListenerPolicy) {
        self.policy = policy
        var operations: Set<BlobOperation>
        switch policy.scope {
        case .everything: operations = BlobOperation.ofBlobs
        case .granted(let grants):
            operations = grants.reduce(into: [.info]) { $0.formUnion($1.operations) }
            if !grants.isEmpty { operations.insert(.capabilities) }
        }
        if policy.isReadOnly { operations.formIntersection(Self.readOnlyOperations) }
        operations.subtract(PolicyGrant.signing.subtracting(policy.presign.operations))
        if policy.maximumBlobByteCount != nil { operations.remove(.presignPut) }
        // W-100: the one place that gives them, whatever the grants say.
        operations.subtract(BlobOperation.administrative)
        if policy.administersListeners { operations.formUnion(BlobOperation.administrative) }
        self.operations = operations
    }

    /// The grants; nil when everything is.
    var grants: [PolicyGrant]? {
        if case .granted(let grants) = policy.scope { grants } else { nil }
    }

    /// W-86, W-90, W-100: whether the socket offers the operation at all.
    func judge(_ operation: BlobOperation) throws(BlobError) {
        if operation.isAdministrative {
            // W-100: the same answer as for a number that means nothing.
            guard operations.contains(operation) else {
                throw BlobError.unknownOperation(operation.rawValue)
            }
            return
        }
        if policy.isReadOnly, !Self.readOnlyOperations.contains(operation) {
            throw BlobError(.readOnly, "this socket may not write", origin: .policy)
        }
        guard operations.contains(operation) else {
            throw BlobError(
                .permissionDenied, "this socket does not offer \(operation)", origin: .policy)
        }
    }

    /// W-90, W-91: whether the operation may be used on `uri`.
    ///
    /// - Throws: what a store answers for a blob that does not exist, to calls that read; to calls
    ///   that write `permissionDenied`, whether or not there is such a blob.
    func judge(_ operation: BlobOperation, _ uri: BlobURI) throws(BlobError) {
        try judge(operation)
        guard let grants else { return }
        try Self.checkSegments(of: uri)
        guard !grants.contains(where: { $0.allows(operation) && $0.covers(uri) }) else { return }
        switch operation {
        case .head, .get, .capabilities: throw Self.noBlob(uri)
        case .uploadPart, .listParts, .presignUploadParts, .completeMultipartUpload:
            throw Self.noUpload(uri)
        default:
            throw BlobError(
                .permissionDenied, "this socket may not use \(operation) here", uri: uri,
                origin: .policy)
        }
    }

    /// Whether `operation` is granted on `uri`, for answers that leave out what is not.
    func allows(_ operation: BlobOperation, _ uri: BlobURI) -> Bool {
        guard operations.contains(operation) else { return false }
        return grants?.contains { $0.allows(operation) && $0.covers(uri) } ?? true
    }

    /// W-91: some store might resolve `.` and `..` away, behind the back of the grants.
    static func checkSegments(of uri: BlobURI) throws(BlobError) {
        let segments = uri.key.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
        let isPlain = segments.allSatisfy {
            !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
        }
        guard isPlain else {
            throw BlobError(
                .invalidURI, "on this socket a key must not have '.' or '..' segments", uri: uri,
                origin: .policy)
        }
    }

    /// Of a blob that does not exist, and of one that the socket must not know: the same to the last
    /// byte, because both come from here.
    static func noBlob(_ uri: BlobURI) -> BlobError {
        BlobError(.notFound, "there is no such blob", uri: uri, origin: .backend)
    }

    /// The same for an upload.
    static func noUpload(_ uri: BlobURI) -> BlobError {
        BlobError(.uploadNotFound, "there is no such upload", uri: uri, origin: .backend)
    }
}

extension PolicyGrant {
    func allows(_ operation: BlobOperation) -> Bool {
        operation == .capabilities || operations.contains(operation)
    }
}
