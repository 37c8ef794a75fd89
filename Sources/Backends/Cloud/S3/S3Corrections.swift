internal import BlobCore

/// What one attempt was made with. A refusal is about that, and not about what another request has
/// put right meanwhile.
struct S3Attempt: Sendable {
    var region: String
    /// Nil for nobody.
    var credentials: AWSCredentials?
    /// What its signature says the time is.
    var time: Timestamp
}

extension S3Client {
    /// A clock that is further off than this is refused (S3-17).
    private static let toleratedSkewMilliseconds: Int64 = 5 * 60 * 1000

    /// What a refusal without a word could be about: those of HEAD have no body (S3-07, S3-17,
    /// S3-18).
    func likelyCorrection(
        _ failure: S3Failure, _ attempt: S3Attempt
    ) -> S3ErrorRule.Correction? {
        guard failure.status == 400 || failure.status == 403 else { return nil }
        if let region = failure.region, region != attempt.region { return .region }
        guard let credentials = attempt.credentials else { return nil }
        if failure.status == 403, let serverTime = failure.serverTime {
            let skew = serverTime.milliseconds &- attempt.time.milliseconds
            if skew.magnitude > UInt64(Self.toleratedSkewMilliseconds) { return .clockSkew }
        }
        // Only temporary ones expire, and AWS answers those with 400.
        return failure.status == 400 && credentials.sessionToken != nil ? .credentials : nil
    }

    /// Puts right what the service complained about; false when that is not possible.
    func correct(
        _ correction: S3ErrorRule.Correction, _ failure: S3Failure, _ request: S3Request,
        _ attempt: S3Attempt
    ) -> Bool {
        switch correction {
        case .clockSkew:
            guard let serverTime = failure.serverTime else { return false }
            learnTime(serverTime)
            return true
        case .credentials:
            guard let source = parts.credentials, let credentials = attempt.credentials else {
                return false
            }
            source.invalidate(credentials)
            return true
        case .region:
            // One hop, and never to where the answer came from (S3-07).
            guard let region = failure.region, region != attempt.region else { return false }
            parts.regions.learn(region, of: request.bucket, now: .now)
            return true
        }
    }
}
