public import BlobCore

/// Operations that a socket may use on what lies below a prefix.
public struct PolicyGrant: Sendable, Hashable {
    /// What may be done. ``BlobOperation/capabilities`` comes with any grant.
    public var operations: Set<BlobOperation>
    /// Where: the blob of this name and all blobs below it. With a slash at its end, or with an empty
    /// key, only those below.
    public var prefix: BlobURI

    /// Grants `operations` on the blob `prefix` and all below it.
    public init(_ operations: Set<BlobOperation>, on prefix: BlobURI) {
        self.operations = operations
        self.prefix = prefix
    }

    /// What looks and lists.
    public static let reading: Set<BlobOperation> = [.head, .get, .list]
    /// What stores blobs, at once or in parts.
    public static let writing: Set<BlobOperation> = [
        .put, .copy, .createMultipartUpload, .uploadPart, .listParts, .completeMultipartUpload,
        .abortMultipartUpload,
    ]
    /// What removes blobs.
    public static let deleting: Set<BlobOperation> = [.delete, .deleteMany]
    /// What signs URLs; the policy's ``PresignPolicy`` has to allow it, too.
    public static let signing: Set<BlobOperation> = [
        .presignGet, .presignPut, .presignHead, .presignDelete, .presignUploadParts,
    ]
}

extension PolicyGrant {
    /// Whether `uri` is the blob that is granted or lies below it. Compared byte by byte and segment
    /// by segment: `team` covers `team/x`, and not `teamwork`.
    func covers(_ uri: BlobURI) -> Bool {
        isOfSameContainer(uri) && isWithin(uri.key.utf8)
    }

    /// Whether every blob whose key begins with the key of `listed` is covered.
    func coversAll(of listed: BlobURI) -> Bool {
        isOfSameContainer(listed) && listed.key.utf8.starts(with: directoryKey.utf8)
    }

    /// Whether the grant lies below `listed`: then a listing of that shows no more than the grant.
    func lies(below listed: BlobURI) -> Bool {
        isOfSameContainer(listed) && directoryKey.utf8.starts(with: listed.key.utf8)
    }

    /// What every key below the grant begins with.
    var directoryKey: String {
        hasOwnBlob ? prefix.key + "/" : prefix.key
    }

    /// Whether a blob of the very name is granted.
    var hasOwnBlob: Bool {
        !prefix.key.isEmpty && prefix.key.utf8.last != UInt8(ascii: "/")
    }

    private func isWithin(_ key: String.UTF8View) -> Bool {
        let granted = prefix.key.utf8
        guard key.starts(with: granted) else { return false }
        return !hasOwnBlob || key.count == granted.count
            || key[key.index(key.startIndex, offsetBy: granted.count)] == UInt8(ascii: "/")
    }

    /// Another way to write the same place, such as an Azure account's host, is another place here: a
    /// grant that does not match refuses.
    private func isOfSameContainer(_ uri: BlobURI) -> Bool {
        prefix.replacingKey("") == uri.replacingKey("")
    }
}
