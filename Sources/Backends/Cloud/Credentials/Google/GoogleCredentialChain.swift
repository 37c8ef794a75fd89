internal import BlobCore

/// The credentials of Google from wherever this machine has them, in the order of Google's own
/// libraries ("application default credentials"): the file that the configuration names, the one
/// that `GOOGLE_APPLICATION_CREDENTIALS` names, the one that `gcloud auth application-default
/// login` left behind, the metadata server.
final class GoogleCredentialChain: CredentialSource {
    private let cache: CredentialCache<GoogleCredentials>

    init(_ context: GoogleCredentialContext) {
        cache = CredentialCache<GoogleCredentials>(clock: context.clock) {
            () throws(CredentialFetchFailure) in
            try await CredentialProviders.fetch(
                Self.providers(context),
                hint: "set GOOGLE_APPLICATION_CREDENTIALS or another of these")
        }
    }

    func credentials() async throws(BlobError) -> GoogleCredentials {
        try await cache.credentials()
    }

    func invalidate(_ refused: GoogleCredentials) {
        cache.invalidate(refused)
    }

    func close() {
        cache.close()
    }

    private static func providers(
        _ context: GoogleCredentialContext
    ) -> [any CredentialProvider<GoogleCredentials>] {
        if let path = context.credentialsFile {
            return [GoogleFileCredentials(context: context, place: .configured(path))]
        }
        return [
            GoogleFileCredentials(context: context, place: .variable),
            GoogleFileCredentials(context: context, place: .wellKnown),
            GoogleMetadataCredentials(context: context),
        ]
    }
}
