internal import BlobCore
internal import LinuxIO

/// URLs signed in one go, and when all of them end.
struct GoogleSignedURLs: Sendable {
    var urls: [String]
    var expiresAt: Timestamp
}

/// Signs URLs as whoever the credentials say.
struct GoogleURLSigner: Sendable {
    let source: any CredentialSource<GoogleCredentials>
    /// Computes signatures.
    let pool: BlockingPool

    /// The URL of one request, valid as long as asked for or as long as can be (GC-06).
    ///
    /// - Parameter now: the clock of the service, corrected if it differs from ours.
    func url(
        _ request: GoogleV4Request, at now: Timestamp, validSeconds: UInt32
    ) async throws(BlobError) -> GoogleSignedURLs {
        try await sign(request, partNumbers: nil, at: now, validSeconds: validSeconds)
    }

    /// The URLs of parts of one upload.
    ///
    /// - Parameter request: a `PUT` whose query has the `uploadId` and no `partNumber`.
    func partURLs(
        _ request: GoogleV4Request, partNumbers: [UInt32], at now: Timestamp, validSeconds: UInt32
    ) async throws(BlobError) -> GoogleSignedURLs {
        try await sign(request, partNumbers: partNumbers, at: now, validSeconds: validSeconds)
    }

    private func sign(
        _ request: GoogleV4Request, partNumbers: [UInt32]?, at now: Timestamp, validSeconds: UInt32
    ) async throws(BlobError) -> GoogleSignedURLs {
        try GoogleV4.check(validSeconds: validSeconds)
        var isLastTry = false
        while true {
            let credentials = try await source.credentials()
            do throws(GoogleSigningFailure) {
                return try await sign(
                    request, partNumbers: partNumbers, at: now, validSeconds: validSeconds,
                    as: credentials.signing)
            } catch {
                // GC-08: a token may end before its time; a new one is tried once.
                guard error.isTokenRefused, !isLastTry else { throw error.error }
                isLastTry = true
                source.invalidate(credentials)
            }
        }
    }

    private func sign(
        _ request: GoogleV4Request, partNumbers: [UInt32]?, at now: Timestamp,
        validSeconds: UInt32, as identity: GoogleSigningIdentity
    ) async throws(GoogleSigningFailure) -> GoogleSignedURLs {
        let email = try await identity.email()
        let seconds = min(validSeconds, identity.maximumValidSeconds)
        let unsigned: [GoogleUnsignedURL]
        do throws(BlobError) {
            let presigning = try GoogleV4Presigning(
                request, email: email, scope: GoogleV4Scope(now), validSeconds: seconds)
            unsigned =
                if let partNumbers { try presigning.partURLs(partNumbers) } else {
                    [try presigning.url()]
                }
        } catch {
            throw GoogleSigningFailure(error)
        }
        let signatures = try await identity.signatures(of: unsigned.map(\.stringToSign), on: pool)
        return GoogleSignedURLs(
            urls: zip(unsigned, signatures).map { url, signature in url.signed(with: signature) },
            expiresAt: Self.end(of: now, seconds))
    }

    /// The signature's own time has whole seconds: so has the end.
    private static func end(of now: Timestamp, _ seconds: UInt32) -> Timestamp {
        let start = now.milliseconds &- now.milliseconds % 1000
        return Timestamp(milliseconds: start &+ Int64(seconds) &* 1000)
    }
}
