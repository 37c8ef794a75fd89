internal import BlobCore

/// Has Google sign with a key of a service account that never leaves Google, by `signBlob` of the
/// IAM Service Account Credentials API.
struct GoogleSignBlob: Sendable {
    /// GC-06: the key may be replaced after twelve hours, and URLs signed with it end then.
    static let maximumValidSeconds: UInt32 = 12 * 3600
    /// Each signature is a request, and the quota is counted by the minute.
    static let maximumSignatureCount = 1000

    private struct Body: Encodable {
        var payload: String
        var delegates: [String]?
    }

    private struct Reply: Decodable {
        var signedBlob: String
    }

    let account: GoogleAccountAddress
    /// Of whoever asks, who need not be the account.
    let token: String
    /// Through whom the permission is passed on; usually nobody.
    var delegates: [String] = []
    let endpoint: GoogleIAMEndpoint
    let requests: CredentialRequests

    func email() async throws(GoogleSigningFailure) -> String {
        do throws(CredentialFailure) {
            return try await account.value()
        } catch {
            throw Self.failure(error)
        }
    }

    func signature(of text: String) async throws(GoogleSigningFailure) -> [UInt8] {
        let email = try await email()
        let reply: CredentialHTTPReply
        do throws(CredentialFailure) {
            let body = Body(
                payload: Base64.text(of: Array(text.utf8)),
                delegates: delegates.isEmpty ? nil : delegates)
            reply = try await requests.send(
                endpoint.request("signBlob", email: email, token: token, body))
        } catch {
            throw Self.failure(error)
        }
        guard reply.status == 200 else { throw Self.refusal(reply, email) }
        let document = CredentialDocument.decode(Reply.self, from: reply.body)
        guard let signature = document.flatMap({ Base64.bytes(of: $0.signedBlob) }),
            !signature.isEmpty
        else {
            throw GoogleSigningFailure(
                BlobError(.presign, "signBlob gave an answer without a signature", origin: .backend)
            )
        }
        return signature
    }

    private static func failure(_ failure: CredentialFailure) -> GoogleSigningFailure {
        var error = BlobError(.presign, "cannot sign: \(failure.message)", origin: .backend)
        if failure.isTransient { error.retry = .backoff }
        return GoogleSigningFailure(error)
    }

    private static func refusal(
        _ reply: CredentialHTTPReply, _ email: String
    ) -> GoogleSigningFailure {
        let code = GoogleTokenReply.code(in: reply).map { " (\($0))" } ?? ""
        let advice =
            switch reply.status {
            case 401: "the server's token was refused"
            case 403:
                "give whoever the server runs as the role roles/iam.serviceAccountTokenCreator on"
                    + " that account, and enable iamcredentials.googleapis.com; a virtual machine"
                    + " needs the access scope cloud-platform, too"
            case 404: "there is no such service account"
            default: "see the status"
            }
        var error = BlobError(
            .presign,
            "signBlob for \(email) was refused with status \(reply.status)\(code): \(advice)",
            origin: .backend)
        if CredentialRequests.asksForAnother(reply.status) { error.retry = .backoff }
        return GoogleSigningFailure(error, isTokenRefused: reply.status == 401)
    }
}
