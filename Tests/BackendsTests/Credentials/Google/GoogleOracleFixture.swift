import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The test server for Google, which verifies every token and signature, and a way to be anybody
/// whom it knows.
struct GoogleOracleFixture {
    let server: CloudTestServer
    let google: CloudTestServer.Google
    private let directory: TemporaryDirectory
    let pool = BlockingPool(name: "credentials", threadCount: 4)
    private let engines = HTTPEnginePool(settings: HTTPFixture.settings())

    init() async throws {
        server = try await CloudTestServer.shared(.gcs)
        google = try #require(server.description.google)
        directory = try TemporaryDirectory()
    }

    var http: EngineCredentialHTTP { EngineCredentialHTTP(engines: engines) }

    func context(_ variables: [String: String] = [:]) -> GoogleCredentialContext {
        GoogleCredentialContext(
            environment: CredentialEnvironment(
                variables: variables, homeDirectory: directory.path),
            requests: CredentialRequests(http: http), files: CredentialFiles(pool: pool),
            clock: .system, iamEndpoint: GoogleIAMEndpoint(origin: google.iamEndpoint))
    }

    /// Somebody who may sign and act as himself, as Google's machines usually may.
    func identity(role: String = "admin") async throws -> GoogleIdentity {
        let identity = try await server.googleIdentity(role: role)
        try await server.call(
            "setIdentity",
            ["name": .text(identity.name), "mayActAs": [.text(identity.name)]])
        return identity
    }

    /// The credentials in a file of an identity.
    func chain(_ file: String?) throws -> GoogleCredentialChain {
        let path: String = try #require(file)
        var context = context()
        context.credentialsFile = path
        return GoogleCredentialChain(context)
    }

    /// The credentials of the machine whose account an identity is.
    func machine(_ identity: GoogleIdentity) -> GoogleCredentialChain {
        GoogleCredentialChain(context(["GCE_METADATA_HOST": identity.metadataHost]))
    }

    func signer(_ source: GoogleCredentialChain) -> GoogleURLSigner {
        GoogleURLSigner(source: source, pool: pool)
    }

    func request(
        _ method: String = "GET", _ key: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = []
    ) throws -> GoogleV4Request {
        let endpoint = try #require(ServiceURL(server.description.endpoint))
        return GoogleV4Request(
            method: method, origin: server.description.endpoint, host: endpoint.host,
            encodedPath: "/\(server.description.bucket)/\(PercentEncoding.path(key))",
            query: query, headers: headers)
    }

    /// One signed URL, valid from `age` seconds ago.
    func url(
        _ source: GoogleCredentialChain, _ request: GoogleV4Request, age: Int64 = 0,
        validSeconds: UInt32 = 600
    ) async throws -> String {
        let now = WallClock.system.now().milliseconds - age * 1000
        let signed = try await signer(source).url(
            request, at: Timestamp(milliseconds: now), validSeconds: validSeconds)
        return try #require(signed.urls.first)
    }

    /// The answer to a request of the XML API that has the token.
    func send(
        _ method: HTTPRequest.Method, _ key: String, query: String = "", body: String? = nil,
        token: String
    ) async throws -> CredentialHTTPReply {
        var request = HTTPRequest(
            method,
            "\(server.description.endpoint)/\(server.description.bucket)"
                + "/\(PercentEncoding.path(key))\(query)")
        request.headers.append("authorization", "Bearer \(token)")
        request.body = .bytes([Bytes(utf8: body ?? "")])
        return try await http.exchange(request, maximumResponseByteCount: 1 << 20)
    }
}
