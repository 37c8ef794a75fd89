internal import BlobCore

/// One place to look for credentials.
protocol CredentialProvider<Value>: Sendable {
    associatedtype Value: ExpiringCredentials

    /// For messages, such as "environment".
    var name: String { get }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<Value>
}

/// Asks one place after the other. The first that is set up decides: if it fails, the others are not
/// asked, for they could hold credentials of somebody else.
enum CredentialProviders<Value: ExpiringCredentials> {
    /// - Parameter hint: What to set when no place is set up.
    static func fetch(
        _ providers: [any CredentialProvider<Value>], hint: String
    ) async throws(CredentialFetchFailure) -> Value {
        var absences: [String] = []
        for provider in providers {
            do throws(CredentialFailure) {
                switch try await provider.fetch() {
                case .found(let credentials): return credentials
                case .absent(let reason): absences.append("\(provider.name): \(reason)")
                }
            } catch {
                throw failure(error.from(provider.name), after: absences)
            }
        }
        throw CredentialFetchFailure(
            error: BlobError(
                .backendAuthentication,
                "found no \(Value.serviceName) credentials (\(absences.joined(separator: "; ")));"
                    + " \(hint)",
                origin: .backend),
            isAbsence: true)
    }

    private static func failure(
        _ failure: CredentialFailure, after absences: [String]
    ) -> CredentialFetchFailure {
        let others = absences.isEmpty ? "" : " (not set up: \(absences.joined(separator: "; ")))"
        var error = BlobError(
            .backendAuthentication,
            "cannot get \(Value.serviceName) credentials from \(failure.message)\(others)",
            origin: .backend)
        if failure.isTransient { error.retry = .backoff }
        return CredentialFetchFailure(error: error, isAbsence: false)
    }
}
