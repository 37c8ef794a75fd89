import BlobCore
import Foundation
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

extension CredentialFixture {
    static let googleEmail = "signer@project.iam.gserviceaccount.com"

    func googleContext(
        file: String? = nil, signingAccount: String? = nil
    ) -> GoogleCredentialContext {
        let aws = context
        return GoogleCredentialContext(
            environment: aws.environment, requests: aws.requests, files: aws.files,
            clock: time.clock, credentialsFile: file, signingAccount: signingAccount)
    }

    /// The credentials of a file with these members.
    func google(
        _ members: [String: JSONValue], signingAccount: String? = nil
    ) throws -> GoogleCredentialChain {
        let path = try write(members, to: "google.json")
        return GoogleCredentialChain(googleContext(file: path, signingAccount: signingAccount))
    }

    /// Returns the path.
    func write(_ members: [String: JSONValue], to name: String) throws -> String {
        let data = try JSONEncoder().encode(JSONValue.object(members))
        try directory.write(String(decoding: data, as: UTF8.self), to: name)
        return "\(directory.path)/\(name)"
    }

    func metadataReply(_ text: String, status: Int = 200) -> CredentialHTTPReply {
        var reply = reply(text, status: status)
        reply.headers.append("Metadata-Flavor", "Google")
        return reply
    }

    func impersonatedReply(
        _ token: String, expiresIn seconds: Int64 = 3600
    ) -> CredentialHTTPReply {
        reply(
            """
            {"accessToken": "\(token)", "expireTime": "\(time.text(in: seconds))"}
            """)
    }
}

/// Credential files of every type, with made-up secrets.
enum GoogleFiles {
    static func serviceAccount() throws -> [String: JSONValue] {
        let account = try #require(GoogleSigningVectors.account)
        return [
            "type": "service_account", "client_email": .text(CredentialFixture.googleEmail),
            "private_key_id": "key-1", "private_key": .text(account.private_key),
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        ]
    }

    static let authorizedUser: [String: JSONValue] = [
        "type": "authorized_user", "client_id": "client", "client_secret": "client-secret",
        "refresh_token": "refresh-secret",
    ]

    static func externalAccount(_ source: [String: JSONValue]) -> [String: JSONValue] {
        [
            "type": "external_account", "audience": "//iam.googleapis.com/pool",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": .object(source),
        ]
    }

    static let impersonationURL =
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        + "\(CredentialFixture.googleEmail):generateAccessToken"
    static let signBlobURL = impersonationURL.replacing("generateAccessToken", with: "signBlob")

    static func impersonated(
        _ source: [String: JSONValue], delegates: [JSONValue] = []
    ) -> [String: JSONValue] {
        [
            "type": "impersonated_service_account",
            "service_account_impersonation_url": .text(impersonationURL),
            "source_credentials": .object(source), "delegates": .list(delegates),
        ]
    }
}

/// A JSON web token, taken apart.
struct ReadToken {
    let header: [String: String]
    let claims: [String: JSONMember]
    let signedText: String
    let signature: String

    enum JSONMember: Decodable, Equatable {
        case text(String)
        case number(Int64)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int64.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    init(_ text: String) throws {
        let parts = text.split(separator: ".").map(String.init)
        try #require(parts.count == 3)
        signedText = "\(parts[0]).\(parts[1])"
        signature = parts[2]
        header = try JSONDecoder().decode([String: String].self, from: try Self.data(parts[0]))
        claims = try JSONDecoder().decode(
            [String: JSONMember].self, from: try Self.data(parts[1]))
    }

    private static func data(_ text: String) throws -> Data {
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let plain = text.replacing("-", with: "+").replacing("_", with: "/") + padding
        return try #require(Data(base64Encoded: plain))
    }
}

/// Things given out one after the other.
final class MutexList<Element: Sendable>: Sendable {
    private let rest: Mutex<[Element]>

    init(_ elements: [Element]) {
        rest = Mutex(elements.reversed())
    }

    func next() -> Element? { rest.withLock { $0.popLast() } }
}
