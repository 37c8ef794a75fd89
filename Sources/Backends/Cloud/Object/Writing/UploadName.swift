internal import Backends
internal import BlobCore

/// What callers know an upload by: the service's own name for it, and the token by which a finished
/// blob is told to be this upload's (S3-11). The server itself remembers nothing.
struct UploadName: Sendable {
    var commitToken: String
    var uploadID: String

    /// Room for names that carry the metadata of the blob to come.
    private static let maximumByteCount = 8192

    init(commitToken: String, uploadID: String) {
        self.commitToken = commitToken
        self.uploadID = uploadID
    }

    /// - Throws: `uploadNotFound` for what this store cannot have given out.
    init(_ upload: MultipartUpload) throws(BlobError) {
        let text = upload.uploadID
        let token = text.prefix(RandomName.digitCount)
        let rest = text.dropFirst(RandomName.digitCount)
        guard text.utf8.count <= Self.maximumByteCount, rest.count > 1, rest.first == ".",
            HexText.isHex(String(token), digitCount: RandomName.digitCount)
        else {
            throw BlobError(
                .uploadNotFound, "there is no such upload; this is no upload ID of this store",
                uri: upload.uri)
        }
        commitToken = String(token)
        uploadID = String(rest.dropFirst())
    }

    var text: String { "\(commitToken).\(uploadID)" }
}
