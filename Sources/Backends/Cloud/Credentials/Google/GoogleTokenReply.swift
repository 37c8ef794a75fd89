internal import BlobCore

/// Reads what Google's token services answer.
enum GoogleTokenReply {
    private struct Token: Decodable {
        var access_token: String
        var expires_in: Int64
    }

    private struct Refusal: Decodable {
        struct Status: Decodable {
            var status: String?
        }

        var code: String?

        private enum CodingKeys: CodingKey { case error }

        /// OAuth has a word there, Google's other services an object.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            code =
                (try? container.decode(String.self, forKey: .error))
                ?? (try? container.decode(Status.self, forKey: .error))?.status
        }
    }

    /// The token of an OAuth reply.
    ///
    /// - Parameters:
    ///   - service: who answered, for errors.
    ///   - advice: what to do when it refused.
    static func token(
        in reply: CredentialHTTPReply, of service: String, advice: String, now: Timestamp
    ) throws(CredentialFailure) -> GoogleToken {
        try check(reply, of: service, advice: advice)
        let document = CredentialDocument.decode(Token.self, from: reply.body)
        // No token lives longer than a day.
        guard let document, isToken(document.access_token),
            (0...86_400).contains(document.expires_in)
        else { throw CredentialFailure("\(service) gave an answer without a token") }
        return GoogleToken(
            text: document.access_token,
            expiresAt: Timestamp(milliseconds: now.milliseconds &+ document.expires_in &* 1000))
    }

    static func check(
        _ reply: CredentialHTTPReply, of service: String, advice: String
    ) throws(CredentialFailure) {
        guard reply.status != 200 else { return }
        let code = code(in: reply).map { " (\($0))" } ?? ""
        throw CredentialFailure(
            "\(service) refused with status \(reply.status)\(code); \(advice)",
            isTransient: CredentialRequests.asksForAnother(reply.status))
    }

    /// The name of the error. The text beside it may hold what was sent.
    static func code(in reply: CredentialHTTPReply) -> String? {
        CredentialDocument.decode(Refusal.self, from: reply.body)?.code
            .flatMap(ServiceCode.init)?.text
    }

    /// Whether a header field can carry it.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ASCII.isVisible)
    }
}
