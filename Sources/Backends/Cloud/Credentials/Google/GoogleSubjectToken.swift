internal import BlobCore

/// Where a workload outside Google has the token that tells who it is: `credential_source` of a
/// credential file.
struct GoogleSubjectTokenDocument: Decodable, Sendable {
    struct Format: Decodable, Sendable {
        var type: String?
        var subject_token_field_name: String?
    }

    /// Something that only has to be there.
    struct Anything: Decodable, Sendable {
        init(from decoder: any Decoder) {}
    }

    var file: String?
    var url: String?
    var headers: [String: String]?
    var format: Format?
    var executable: Anything?
    var environment_id: String?
    var certificate: Anything?
}

/// Fetches such a token. It is read each time: it lives as shortly as what it is exchanged for.
struct GoogleSubjectToken: Sendable {
    private enum Place {
        case file(String)
        case url(HTTPRequest)
    }

    /// A member of a document that may have members of any kind.
    private struct Text: Decodable {
        var text: String?

        init(from decoder: any Decoder) {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    private let place: Place
    /// The member of the JSON document that holds the token; nil when the whole text is it.
    private let memberName: String?
    private let context: GoogleCredentialContext

    init(
        _ document: GoogleSubjectTokenDocument?, _ context: GoogleCredentialContext
    ) throws(CredentialFailure) {
        self.context = context
        switch document?.format?.type ?? "text" {
        case "text": memberName = nil
        case "json":
            memberName = try GoogleCredentialFile.required(
                document?.format?.subject_token_field_name, "subject_token_field_name")
        default: throw CredentialFailure("the format of the subject token is neither text nor json")
        }
        if let path = document?.file {
            place = .file(context.environment.expanded(path))
        } else if let text = document?.url {
            var request = HTTPRequest(.get, try GoogleURLRule.url(text, "url").text)
            request.timeouts.firstByte = .seconds(10)
            for (name, value) in document?.headers ?? [:] {
                guard Self.isField(name, value) else {
                    throw CredentialFailure("'headers' has what no header can carry")
                }
                request.headers.append(name, value)
            }
            place = .url(request)
        } else {
            throw Self.unsupported(document)
        }
    }

    func fetch() async throws(CredentialFailure) -> String {
        let found: Bytes
        switch place {
        case .file(let path):
            do throws(CredentialFailure) {
                guard let text = try await context.files.text(at: path) else {
                    throw CredentialFailure("there is no file of the subject token")
                }
                found = Bytes(utf8: text)
            } catch {
                throw error.from(path)
            }
        case .url(let request):
            let reply = try await context.requests.send(request)
            try GoogleTokenReply.check(
                reply, of: "the source of the subject token", advice: "check its url and headers")
            found = reply.body
        }
        guard let token = token(in: found), GoogleTokenReply.isToken(token) else {
            throw CredentialFailure("there is no subject token in what its source gave")
        }
        return token
    }

    private func token(in found: Bytes) -> String? {
        guard let memberName else { return found.utf8Text.map { String($0.trimmingWhitespace) } }
        return CredentialDocument.decode([String: Text].self, from: found)?[memberName]?.text
    }

    private static func isField(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { ASCII.isVisible($0) && $0 != UInt8(ascii: ":") }
            && value.utf8.allSatisfy { $0 == 0x20 || ASCII.isVisible($0) }
    }

    /// Programs are not run: the file could name any, and it is often written by somebody else.
    private static func unsupported(
        _ document: GoogleSubjectTokenDocument?
    ) -> CredentialFailure {
        let kind =
            if document?.executable != nil { "a program" } else if document?.certificate != nil {
                "a certificate"
            } else if document?.environment_id != nil { "AWS" } else { "an unknown source" }
        return CredentialFailure(
            "subject tokens from \(kind) are not supported; let something write the token to a file"
                + " and name it as 'file' in 'credential_source'")
    }
}
