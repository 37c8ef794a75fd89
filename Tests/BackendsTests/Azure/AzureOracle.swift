import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The server that verifies what it is sent, and requests to it that are ours but for the client.
struct AzureOracle {
    /// Names that are easily signed or sent in another way than they are.
    static let names = [
        "a b", "#", "a+b", "100%", "é", "e\u{301}", "%2E", "a%2Fb", "a//b", "=&?;:@!$'()*,[]~",
        "🦊/ü x", "\"<>^`{|}", "/lead", "trail/",
    ]

    let server: CloudTestServer
    let endpoint: AzureEndpoint
    let credentials: AzureCredentials
    let prefix: String

    init(isSecure: Bool = false) async throws {
        server = try await CloudTestServer.shared(.azure)
        let description = server.description
        var endpoint = try AzureEndpoint(
            isSecure ? description.tlsEndpoint : description.endpoint)
        endpoint.allowsPlainTokensOnLoopback = true
        self.endpoint = endpoint
        let azure = try #require(description.azure)
        credentials = try .sharedKey(account: azure.account, key: azure.accountKey)
        prefix = server.freshPrefix()
    }

    func key(_ name: String) -> String { "\(prefix)/\(name)" }

    func resource(_ key: String) throws -> AzureResource {
        endpoint.resource(
            try AzureBlobName(
                BlobURI(scheme: .az, container: server.description.bucket, key: key),
                at: endpoint))
    }

    /// Signs a request and has curl send it, perhaps after a change of what was signed.
    func send(
        _ method: String, _ key: String, query: [(name: String, value: String)] = [],
        headers: [String: String] = [:], body: Bytes? = nil,
        credentials: AzureCredentials? = nil, changing: (inout [String: String]) -> Void = { _ in }
    ) async throws -> Curl.Answer {
        let resource = try resource(key)
        var request = AzureRequest(
            method: method, encodedPath: resource.encodedPath, query: query,
            contentByteCount: UInt64(body?.count ?? 0))
        for (name, value) in headers { request.headers.append(name, value) }
        let authorized = try AzureAuthorizer(endpoint: endpoint).authorize(
            request, credentials: credentials ?? self.credentials, at: WallClock.system.now())
        var sent = headers
        for field in authorized.fields { sent[field.name] = field.value }
        changing(&sent)
        return try await Curl.send(
            endpoint.origin + authorized.target, method: method, headers: sent, body: body,
            options: ["--path-as-is"])
    }

    /// A signed URL of a blob.
    func url(
        _ key: String, _ permissions: AzurePermissions, by grantor: AzureGrantor,
        validSeconds: Int64 = 600, overrides: AzureResponseOverrides = AzureResponseOverrides()
    ) throws -> String {
        let resource = try resource(key)
        let now = WallClock.system.now().milliseconds / 1000 * 1000
        let signature = AzureSharedAccessSignature(
            resource: resource, permissions: permissions,
            expiry: Timestamp(milliseconds: now + validSeconds * 1000), overrides: overrides)
        return "\(resource.url)?\(try signature.query(by: grantor))"
    }

    var account: AzureGrantor {
        get throws {
            guard case .sharedKey(let key) = credentials.kind else {
                throw BlobError(.internal, "the oracle's credentials are a key")
            }
            return .account(key)
        }
    }

    /// Somebody who signs with a key that the server gave him.
    func user(_ principal: AzurePrincipal) async throws -> AzureGrantor {
        let sender = DelegationSender(endpoint: endpoint, server: server, name: principal.name)
        let keys = AzureDelegationKeys(clock: .system, sender: sender)
        let now = WallClock.system.now().milliseconds
        return .user(try await keys.key(until: Timestamp(milliseconds: now + 3_600_000)))
    }
}

extension Curl.Answer {
    /// The service's name of what is wrong.
    var code: String? { headers["x-ms-error-code"] }

    /// What a test compares: the status, and the body or the name of the error.
    var summary: String { "\(status) \(status < 300 ? body.utf8Text ?? "" : code ?? "")" }
}

/// Asks for delegation keys over the real engine, with a token of somebody's.
struct DelegationSender: AzureDelegationKeySender {
    let endpoint: AzureEndpoint
    let server: CloudTestServer
    let name: String
    private let engines = HTTPEnginePool(settings: HTTPFixture.settings())

    init(endpoint: AzureEndpoint, server: CloudTestServer, name: String) {
        self.endpoint = endpoint
        self.server = server
        self.name = name
    }

    func send(_ request: AzureDelegationKeyRequest) async throws(BlobError) -> Bytes {
        do {
            let now = WallClock.system.now()
            let text = try await server.accessToken(name: name)
            let token = try #require(AzureCredentials.token(text, expiresAt: now))
            let body = request.body
            let authorized = try AzureAuthorizer(endpoint: endpoint).authorize(
                AzureRequest(
                    method: "POST", encodedPath: endpoint.servicePath,
                    query: AzureDelegationKeyRequest.query, contentByteCount: UInt64(body.count)),
                credentials: token, at: now)
            var sent = HTTPFixture.request(.post, url: endpoint.origin + authorized.target)
            for field in authorized.fields { sent.headers.append(field.name, field.value) }
            sent.body = .bytes([body])
            let reply = try await EngineCredentialHTTP(engines: engines).exchange(
                sent, maximumResponseByteCount: 1 << 16)
            guard reply.status == 200 else {
                throw BlobError(
                    reply.status == 403 ? .permissionDenied : .internal,
                    "the service answered \(reply.status)")
            }
            return reply.body
        } catch let error as BlobError {
            throw error
        } catch {
            throw BlobError(.internal, "\(error)")
        }
    }
}
