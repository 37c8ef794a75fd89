import BlobCore
import BlobRPCClient
import TestKit
import Testing

@testable import BlobRPCServer

/// What the errors of a store tell the peers of a socket.
@Suite struct ErrorVeilTests {
    private static let secrets = [
        "request 4711ABC", "AccessDenied", "HTTP 403", "tenants-bucket", "arn:aws",
    ]
    private static let told = BlobError(
        .backendUnavailable,
        "put failed: (S3 says AccessDenied, HTTP 403, request 4711ABC)"
            + " at tenants-bucket.example.com for arn:aws:iam::1:role/x", origin: .backend)

    @Test func `W-97 no word of the service behind gets to an untrusted socket`() async throws {
        for tells in [false, true] {
            try await TenantFixture.with(
                configure: { $0.tellsBackendDetails = tells },
                wrapping: { store in
                    ObservedStore(store) { (_) throws(BlobError) in throw Self.told }
                }
            ) { fixture in
                // The fixture's own blobs were put by the store behind.
                try await fixture.withClient { client in
                    let error = try #require(
                        await failure {
                            _ = try await client.head(TenantFixture.uri("team/a"))
                        })
                    #expect(error.code == .backendUnavailable)
                    #expect(error.retry == .backoff)
                    for secret in Self.secrets {
                        #expect(error.description.contains(secret) == tells, "\(secret)")
                    }
                }
            }
        }
    }

    @Test func `W-97 every code of a backend has words of our own`() {
        let veil = ErrorVeil(.untrusted)
        for code in BlobError.Code.names.keys {
            let error = BlobError(code, "secret", origin: .backend)
            let visible = veil.visible(error, on: TenantFixture.uri("x"))
            #expect(visible.code == code)
            #expect(!visible.message.contains("secret"))
        }
        // The server's credentials are the server's, whoever complains.
        let own = BlobError(.backendAuthentication, "secret", origin: .server)
        #expect(!veil.visible(own, on: TenantFixture.uri("x")).message.contains("secret"))
        let request = BlobError(.invalidArgument, "the body is short", origin: .server)
        #expect(veil.visible(request, on: TenantFixture.uri("x")) == request)
    }
}
