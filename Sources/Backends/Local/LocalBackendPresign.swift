public import BlobCore

extension LocalBackend {
    /// The URI itself: whoever shares the file system reads the file under that name.
    public func presignGet(
        _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        _ = try roots.locate(uri)
        try Self.checkValidity(options, uri)
        return PresignedURL(url: uri.description, method: "GET", expiresAt: nil)
    }

    /// The URI itself. Writing there directly is not atomic; prefer `put` or a multipart upload.
    public func presignPut(
        _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        _ = try roots.locate(uri)
        try Self.checkValidity(options, uri)
        return PresignedURL(url: uri.description, method: "PUT", expiresAt: nil)
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
