public import BlobCore

extension LocalBackend {
    /// The URI itself: whoever shares the file system reads and writes the file under that name.
    /// Writing there directly is not atomic; prefer `put` or a multipart upload.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        _ = try roots.locate(uri)
        try Self.checkValidity(options, uri)
        guard method == .get || method == .put else {
            throw BlobError(
                .unsupportedOperation,
                "a file:// URI says where a file is and not what to do with it: only reading and"
                    + " writing can be signed for",
                uri: uri)
        }
        return PresignedURL(url: uri.description, method: method.rawValue, expiresAt: nil)
    }

    /// CM-16, W-78: the same validities are refused as by stores whose URLs do expire.
    static func checkValidity(_ options: PresignOptions, _ uri: BlobURI) throws(BlobError) {
        guard (1...PresignOptions.maximumSeconds).contains(options.validSeconds) else {
            throw BlobError(
                .presign, "a URL is valid for 1 to \(PresignOptions.maximumSeconds) seconds",
                uri: uri)
        }
    }
}
