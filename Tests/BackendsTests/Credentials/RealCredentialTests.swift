import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The chain over the real engine, against servers that verify what they are sent.
@Suite(.timeLimit(.minutes(10))) struct RealCredentialTests {
    private let directory: TemporaryDirectory
    private let pool = BlockingPool(name: "credentials", threadCount: 2)
    private let engines = HTTPEnginePool(settings: HTTPFixture.settings())

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func chain(_ variables: [String: String]) -> AWSCredentialChain {
        AWSCredentialChain(
            explicit: nil, profile: nil, region: nil,
            environment: CredentialEnvironment(
                variables: variables, homeDirectory: directory.path),
            http: EngineCredentialHTTP(engines: engines), blockingPool: pool, clock: .system)
    }

    private func webIdentity(_ server: S3TestServer, _ token: String) throws -> [String: String] {
        try directory.write(token, to: "token")
        return [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "\(directory.path)/token",
            "AWS_ROLE_ARN": try #require(server.description.sts.webIdentityRoleARN),
            "AWS_ENDPOINT_URL_STS": server.description.sts.endpoint,
            "AWS_REGION": server.description.region,
        ]
    }

    /// The status of a listing that is signed in its headers, and of one that is presigned.
    private func statuses(
        _ server: S3TestServer, _ credentials: AWSCredentials
    ) async throws -> [Int] {
        let description = server.description
        let endpoint = try #require(ServiceURL(description.endpoint))
        let signer = SigV4Signer(cache: SigningKeyCache())
        let signed = SigV4Request(
            method: "GET", host: endpoint.host, encodedPath: "/\(description.bucket)",
            query: [("list-type", "2"), ("prefix", "é b+/")],
            payloadHash: SigV4.emptyPayloadHash)
        let url = "\(description.endpoint)\(signed.encodedPath)?"
        let now = WallClock.system.now()
        var request = HTTPRequest(.get, url + SigV4.canonicalQuery(signed.query))
        for field in try signer.authorization(
            signed, credentials: credentials, region: description.region, at: now)
        {
            request.headers.append(field.name, field.value)
        }
        var presigned = signed
        presigned.payloadHash = SigV4.unsignedPayload
        let query = try signer.presignedQuery(
            presigned, credentials: credentials, region: description.region, at: now,
            validSeconds: 60)
        let http = EngineCredentialHTTP(engines: engines)
        return [
            try await http.exchange(request, maximumResponseByteCount: 1 << 20).status,
            try await http.exchange(
                HTTPRequest(.get, url + query), maximumResponseByteCount: 1 << 20
            )
            .status,
        ]
    }

    @Test("A web identity gets keys that work, with its token only (S3-04)")
    func webIdentityOfSeaweedFS() async throws {
        let server = try await S3TestServer.shared(.seaweedfs)
        let chain = chain(try webIdentity(server, try await server.webIdentityToken()))
        let keys = try await chain.credentials()
        #expect(keys.sessionToken != nil && keys.expiresAt != nil)
        #expect(try await statuses(server, keys) == [200, 200])
        var stripped = keys
        stripped.sessionToken = nil
        #expect(try await statuses(server, stripped) == [403, 403])
        var forged = keys
        forged.secretAccessKey += "x"
        #expect(try await statuses(server, forged) == [403, 403])
    }

    @Test("Tokens that the service refuses are refused by name, and not shown")
    func refusedWebIdentity() async throws {
        let server = try await S3TestServer.shared(.seaweedfs)
        for token in [
            try await server.webIdentityToken(lifetimeSeconds: -60),
            try await server.webIdentityToken(audience: "other"),
            try await server.webIdentityToken(isForged: true),
        ] {
            let chain = chain(try webIdentity(server, token))
            let message = await authenticationFailure(of: chain)
            #expect(message.contains("web identity: the token service refused with status 4"))
            #expect(!message.contains(token.suffix(20)))
        }
    }

    @Test("A role is taken on with signed keys", arguments: S3TestServer.Kind.allCases)
    func role(kind: S3TestServer.Kind) async throws {
        let server = try await S3TestServer.shared(kind)
        let description = server.description
        func profile(_ secret: String) throws -> AWSCredentialChain {
            try directory.write(
                """
                [profile role]
                role_arn = \(description.sts.roleARN)
                source_profile = keys
                region = \(description.region)
                [profile keys]
                aws_access_key_id = \(description.accessKeyID)
                aws_secret_access_key = \(secret)
                """, to: ".aws/config")
            return chain([
                "AWS_PROFILE": "role", "AWS_ENDPOINT_URL_STS": description.sts.endpoint,
            ])
        }
        let keys = try await profile(description.secretAccessKey).credentials()
        #expect(keys.sessionToken != nil && keys.accessKeyID != description.accessKeyID)
        #expect(try await statuses(server, keys) == [200, 200])
        let message = await authenticationFailure(of: try profile("wrong"))
        #expect(message.contains("refused with status 403 (SignatureDoesNotMatch)"))
    }

    @Test("Instances and containers get their keys")
    func metadataServices() async throws {
        let server = try await S3TestServer.shared(.ministack)
        let metadata = try #require(server.description.instanceMetadata)
        let instance = try await chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint])
            .credentials()
        #expect(instance.sessionToken != nil && instance.expiresAt != nil)
        let container = try await chain([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                metadata.endpoint + metadata.containerCredentialsPath,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "any",
        ]).credentials()
        #expect(container.sessionToken != nil && container.expiresAt != nil)
    }

    @Test("A metadata service that does not answer is waited for a second, not for ever")
    func silence() async throws {
        let server = try ScriptedHTTPServer { _ in ScriptedResponse([.stall]) }
        defer { server.stop() }
        let message = await authenticationFailure(
            of: chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url()]))
        #expect(message.contains("does not answer") && message.contains("hop limit"))
    }
}
