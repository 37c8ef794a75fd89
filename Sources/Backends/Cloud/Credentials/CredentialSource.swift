internal import BlobCore

/// What proves to a service who asks, and ends some day.
protocol ExpiringCredentials: Sendable, Hashable {
    /// Whose they are, for messages, such as "AWS".
    static var serviceName: String { get }

    /// When they end, by the wall clock; nil when they do not.
    var expiresAt: Timestamp? { get }
}

/// Where credentials come from, with what was fetched kept until shortly before it ends.
protocol CredentialSource<Value>: Sendable {
    associatedtype Value: ExpiringCredentials

    /// Credentials that work now. Many callers at once cause one fetch.
    ///
    /// - Throws: `backendAuthentication`, saying which source was asked and what to set.
    func credentials() async throws(BlobError) -> Value

    /// The service refused `refused` as expired: the next call fetches anew, unless that was done
    /// meanwhile (S3-18).
    func invalidate(_ refused: Value)

    /// Ends a fetch that is under way; every later call fails.
    func close()
}
