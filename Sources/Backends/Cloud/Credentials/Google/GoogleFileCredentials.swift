internal import BlobCore

/// A credential file, in one of the places where it may be.
struct GoogleFileCredentials: CredentialProvider {
    enum Place: Sendable {
        case configured(String)
        case variable
        case wellKnown
    }

    private static let variableName = "GOOGLE_APPLICATION_CREDENTIALS"

    let context: GoogleCredentialContext
    let place: Place

    var name: String {
        switch place {
        case .configured: "the configured credential file"
        case .variable: Self.variableName
        case .wellKnown: "gcloud"
        }
    }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<GoogleCredentials> {
        guard let path else { return .absent("not set") }
        do throws(CredentialFailure) {
            guard let text = try await context.files.text(at: path) else {
                // Nobody named this file, so it need not be there.
                if case .wellKnown = place { return .absent("there is no \(path)") }
                throw CredentialFailure("there is no such file")
            }
            let document = CredentialDocument.decode(
                GoogleCredentialFile.self, from: Bytes(utf8: text))
            guard let document else {
                throw CredentialFailure("it is no JSON document of credentials")
            }
            return .found(try await document.credentials(context))
        } catch {
            throw error.from(path)
        }
    }

    /// Nil when it is not set.
    private var path: String? {
        let environment = context.environment
        switch place {
        case .configured(let path): return environment.expanded(path)
        case .variable: return environment[Self.variableName].map(environment.expanded)
        case .wellKnown:
            let directory = environment["CLOUDSDK_CONFIG"] ?? "~/.config/gcloud"
            return environment.expanded("\(directory)/application_default_credentials.json")
        }
    }
}
