internal import Synchronization

/// The address of a service account, asked for when it is first needed.
final class GoogleAccountAddress: Sendable {
    private let fetch: @Sendable () async throws(CredentialFailure) -> String
    private let known = Mutex<String?>(nil)

    convenience init(_ email: String) {
        self.init { () throws(CredentialFailure) in email }
    }

    init(_ fetch: @escaping @Sendable () async throws(CredentialFailure) -> String) {
        self.fetch = fetch
    }

    /// Callers at the same time may each ask; they get the same answer.
    func value() async throws(CredentialFailure) -> String {
        if let email = known.withLock({ $0 }) { return email }
        let email = try await fetch()
        guard Self.isAddress(email) else {
            throw CredentialFailure("the address of the service account is not one")
        }
        known.withLock { $0 = email }
        return email
    }

    /// The address becomes part of a URL.
    static func isAddress(_ text: String) -> Bool {
        text.utf8.contains(UInt8(ascii: "@"))
            && text.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.digitValue($0) != nil || "@.-_+".utf8.contains($0)
            }
    }
}
