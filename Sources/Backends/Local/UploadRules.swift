package import BlobCore

/// What the values of a multipart call that come from outside must look like.
package enum UploadRules {
    /// As many parts as any store takes.
    static let maximumPartCount: UInt32 = 10_000

    /// W-81
    package static func checkPartNumber(_ partNumber: UInt32, _ uri: BlobURI) throws(BlobError) {
        guard (1...maximumPartCount).contains(partNumber) else {
            throw BlobError(
                .invalidArgument, "part numbers go from 1 to 10000, not \(partNumber)", uri: uri)
        }
    }

    /// Before an upload's name goes anywhere near a path.
    static func checkUploadID(_ upload: MultipartUpload) throws(BlobError) {
        guard HexText.isHex(upload.uploadID, digitCount: RandomName.digitCount) else {
            throw BlobError(
                .uploadNotFound,
                "there is no such upload; upload IDs of this store are 32 hexadecimal digits",
                uri: upload.uri)
        }
    }
}
