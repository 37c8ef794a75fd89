internal import Backends
internal import BlobCore

/// What can be signed as a URL, whatever the service.
enum PresignRules {
    /// CM-16, S3-03
    static func check(_ uri: BlobURI, _ options: PresignOptions) throws(BlobError) {
        guard (1...PresignOptions.maximumSeconds).contains(options.validSeconds) else {
            throw BlobError(.presign, "a URL is valid for 1 second to 7 days")
        }
        // Common clients "normalise" such paths, and the signature breaks far from here.
        guard !KeySegments.haveDots(uri.key.utf8) else {
            throw BlobError(
                .presign,
                "a key with '.' or '..' between slashes cannot be signed: HTTP clients rewrite such"
                    + " URLs; read or write it through this server")
        }
    }

    /// How many parts' URLs one call signs, and which.
    static func check(
        _ partNumbers: [UInt32], of upload: MultipartUpload
    ) throws(BlobError) {
        guard partNumbers.count <= maximumPartCount else {
            throw BlobError(.invalidArgument, "at most 10000 parts in one call", uri: upload.uri)
        }
        for partNumber in partNumbers {
            try UploadRules.checkPartNumber(partNumber, upload.uri)
        }
    }

    private static let maximumPartCount = 10_000
}

/// How long a signed URL works.
struct URLValidity: Sendable {
    let start: Timestamp
    let seconds: UInt32

    /// S3-19: a URL ends with the credentials that signed it.
    ///
    /// - Throws: `backendAuthentication` when they have ended.
    init(
        from start: Timestamp, wantedSeconds: UInt32, credentialsEnd: Timestamp?
    ) throws(BlobError) {
        self.start = start
        guard let credentialsEnd else {
            seconds = wantedSeconds
            return
        }
        let remaining = (credentialsEnd.milliseconds &- start.milliseconds) / 1000
        guard remaining >= 1 else {
            throw BlobError(
                .backendAuthentication, "the server's credentials have just expired",
                origin: .backend)
        }
        seconds = UInt32(min(Int64(wantedSeconds), remaining))
    }

    /// The signature's own time has whole seconds: so has the end.
    var expiresAt: Timestamp {
        let wholeSeconds = start.milliseconds - start.milliseconds % 1000
        return Timestamp(milliseconds: wholeSeconds &+ Int64(seconds) * 1000)
    }
}
