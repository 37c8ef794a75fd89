internal import BlobCore

/// The service account of the virtual machine, container or function that this runs on.
struct GoogleMetadataCredentials: CredentialProvider {
    private static let account = "/computeMetadata/v1/instance/service-accounts/default/"
    private static let flavour = "metadata-flavor"

    let context: GoogleCredentialContext
    var name: String { "metadata server" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<GoogleCredentials> {
        let isNamed = context.environment["GCE_METADATA_HOST"] != nil
        let reply: CredentialHTTPReply
        do throws(CredentialFailure) {
            // Machines ignore the scope and have their own; containers and functions heed it.
            let scope = PercentEncoding.query(GoogleScope.all)
            reply = try await get("token?scopes=\(scope)")
        } catch {
            // Elsewhere nothing answers there, or something else does.
            guard !isNamed, !Task.isCancelled, error.isTransient else { throw error }
            return .absent("\(try origin()) does not answer; this is no machine of Google's")
        }
        guard Self.isGoogle(reply) else {
            guard isNamed else { return .absent("what answers is not Google's") }
            throw CredentialFailure("what answers at GCE_METADATA_HOST is no metadata server")
        }
        guard reply.status != 404 else { return .absent("the machine has no service account") }
        let token = try GoogleTokenReply.token(
            in: reply, of: "it", advice: "check the service account of this machine",
            now: context.clock.now())
        return .found(
            GoogleCredentials(
                token: token.text, expiresAt: token.expiresAt,
                signing: .signBlob(
                    GoogleSignBlob(
                        account: address, token: token.text, endpoint: context.iamEndpoint,
                        requests: context.requests))))
    }

    private var address: GoogleAccountAddress {
        if let configured = context.signingAccount { return GoogleAccountAddress(configured) }
        return GoogleAccountAddress { () throws(CredentialFailure) in
            let reply = try await get("email")
            guard reply.status == 200, Self.isGoogle(reply),
                let text = reply.body.utf8Text?.trimmingWhitespace
            else {
                throw CredentialFailure(
                    "the metadata server does not tell the address of the service account",
                    isTransient: CredentialRequests.asksForAnother(reply.status))
            }
            return String(text)
        }
    }

    private func get(_ name: String) async throws(CredentialFailure) -> CredentialHTTPReply {
        var request = HTTPRequest(.get, try origin() + Self.account + name)
        request.headers.append(Self.flavour, "Google")
        request.usesProxy = false
        request.timeouts.connect = .seconds(1)
        request.timeouts.firstByte = .seconds(5)
        return try await context.requests.send(request)
    }

    private func origin() throws(CredentialFailure) -> String {
        // The address and not the name: looking the name up elsewhere can take long.
        let host = context.environment["GCE_METADATA_HOST"] ?? "169.254.169.254"
        guard let url = ServiceURL("http://\(host)"), url.path == "/", url.query == nil else {
            throw CredentialFailure("GCE_METADATA_HOST is no host and port")
        }
        return "http://\(url.host)"
    }

    private static func isGoogle(_ reply: CredentialHTTPReply) -> Bool {
        reply.headers[flavour] == "Google"
    }
}
