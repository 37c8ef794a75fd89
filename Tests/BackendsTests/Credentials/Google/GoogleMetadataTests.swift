import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The metadata server of Google's machines.
@Suite(.timeLimit(.minutes(10))) struct GoogleMetadataTests {
    private static let path = "computeMetadata/v1/instance/service-accounts/default"
    private static let query = "scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"

    private func fixture(
        host: String = "169.254.169.254",
        _ change: (inout [String: CredentialHTTPReply]) -> Void = { _ in }
    ) throws -> CredentialFixture {
        var fixture = try CredentialFixture()
        var replies = [
            Self.token(host): fixture.metadataReply(
                "{\"access_token\": \"metadata-token\", \"expires_in\": 3599}"),
            "GET http://\(host)/\(Self.path)/email": fixture.metadataReply(
                CredentialFixture.googleEmail + "\n"),
            "POST \(GoogleFiles.signBlobURL)": fixture.reply("{\"signedBlob\": \"AQI=\"}"),
        ]
        change(&replies)
        fixture.http = ScriptedHTTP(replies)
        return fixture
    }

    private static func token(_ host: String) -> String {
        "GET http://\(host)/\(path)/token?\(query)"
    }

    @Test("The header is sent, no proxy is asked, and the host may be given")
    func exchange() async throws {
        for host in ["169.254.169.254", "127.0.0.1:8080", "metadata.test"] {
            var fixture = try fixture(host: host)
            if host != "169.254.169.254" { fixture.variables["GCE_METADATA_HOST"] = host }
            let credentials = try await GoogleCredentialChain(fixture.googleContext()).credentials()
            #expect(credentials.token == "metadata-token")
            let request = try #require(fixture.http.requests.last)
            #expect(request.headers["metadata-flavor"] == "Google")
            #expect(!request.usesProxy && request.timeouts.connect == .seconds(1))
        }
    }

    @Test(
        "Somebody else's server at that address is no source, but one that is named must be right")
    func otherServers() async throws {
        var fixture = try fixture { replies in
            for name in replies.keys { replies[name]?.headers = HTTPHeaders() }
        }
        func message() async -> String {
            await authenticationFailure(of: GoogleCredentialChain(fixture.googleContext()))
        }
        #expect(await message().contains("metadata server: what answers is not Google's"))
        fixture.variables["GCE_METADATA_HOST"] = "169.254.169.254"
        #expect(await message().contains("what answers at GCE_METADATA_HOST is no metadata server"))
        fixture.variables["GCE_METADATA_HOST"] = "127.0.0.1:1"
        #expect(await message().contains("cannot get Google credentials from metadata server"))
        fixture.variables["GCE_METADATA_HOST"] = "h/path"
        #expect(await message().contains("GCE_METADATA_HOST is no host and port"))
    }

    @Test("A machine without a service account is no source; one whose account fails is an error")
    func status() async throws {
        let reply = try CredentialFixture().metadataReply("", status: 404)
        let none = try fixture { $0[Self.token("169.254.169.254")] = reply }
        var message = await authenticationFailure(of: GoogleCredentialChain(none.googleContext()))
        #expect(message.contains("the machine has no service account"))
        let denied = try CredentialFixture().metadataReply("", status: 403)
        let failing = try fixture { $0[Self.token("169.254.169.254")] = denied }
        message = await authenticationFailure(of: GoogleCredentialChain(failing.googleContext()))
        #expect(message.contains("metadata server: it refused with status 403"))
    }

    @Test("The account's address is asked for when something is signed, and once a token (GC-06)")
    func email() async throws {
        let fixture = try fixture()
        let chain = GoogleCredentialChain(fixture.googleContext())
        let signer = GoogleURLSigner(source: chain, pool: fixture.pool)
        _ = try await chain.credentials()
        #expect(fixture.http.requests.count == 1)
        let request = GoogleV4Request(
            method: "GET", origin: "https://h", host: "h", encodedPath: "/b/k")
        for _ in 0..<2 {
            let signed = try await signer.url(request, at: fixture.time.now, validSeconds: 60)
            #expect(signed.urls.first?.hasSuffix("&X-Goog-Signature=0102") == true)
            #expect(signed.urls.first?.contains("X-Goog-Credential=signer%40project.iam") == true)
        }
        #expect(fixture.http.requests.count { $0.url.hasSuffix("/email") } == 1)
    }

    @Test(
        "What is no address is not made part of a URL",
        arguments: ["", "a", "a@b/../c", "a@b?c", "a@b c"])
    func badEmail(text: String) async throws {
        let reply = try CredentialFixture().metadataReply(text)
        let fixture = try fixture { $0["GET http://169.254.169.254/\(Self.path)/email"] = reply }
        let signer = GoogleURLSigner(
            source: GoogleCredentialChain(fixture.googleContext()), pool: fixture.pool)
        let failure = await expectError(.presign) {
            _ = try await signer.url(
                GoogleV4Request(method: "GET", origin: "https://h", host: "h", encodedPath: "/b/k"),
                at: fixture.time.now, validSeconds: 60)
        }
        #expect(failure?.message.contains("the address of the service account is not one") == true)
    }
}
