import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What goes with a request, by kind of credentials.
@Suite struct AzureAuthorizerTests {
    private static let time = Timestamp(milliseconds: 1_795_475_758_000)
    private let request = AzureRequest(
        method: "GET", encodedPath: "/blobs", query: [("restype", "container")])

    private func authorize(
        _ credentials: AzureCredentials, at endpoint: AzureEndpoint, query: Bool = true
    ) throws(BlobError) -> AzureAuthorizedRequest {
        var request = request
        if !query { request.query = [] }
        return try AzureAuthorizer(endpoint: endpoint).authorize(
            request, credentials: credentials, at: Self.time)
    }

    private func token() throws -> AzureCredentials {
        try #require(AzureCredentials.token("hush", expiresAt: Self.time))
    }

    @Test("Date and version always, an authorization where there is one")
    func fields() throws {
        let endpoint = try AzureEndpoint(account: "acct")
        let common = [
            HTTPHeaders.Field(name: "x-ms-date", value: "Mon, 23 Nov 2026 23:15:58 GMT"),
            HTTPHeaders.Field(name: "x-ms-version", value: "2023-11-03"),
        ]
        let nobody = try authorize(.anonymous, at: endpoint)
        #expect(nobody.fields == common && nobody.target == "/blobs?restype=container")
        let bearer = try authorize(try token(), at: endpoint)
        #expect(
            bearer.fields == common + [.init(name: "authorization", value: "Bearer hush")])
        let key = try AzureCredentials.sharedKey(account: "acct", key: "a2V5")
        let signed = try authorize(key, at: endpoint)
        var headers = HTTPHeaders()
        for field in common { headers.append(field.name, field.value) }
        var same = request
        same.headers = headers
        let expected = try AzureSharedKey(
            account: "acct", key: AzureSigningKey(base64: "a2V5")
        ).authorization(same)
        #expect(signed.fields.last == .init(name: "authorization", value: expected))
    }

    @Test("A SAS token is the end of the query, verbatim")
    func sasToken() throws {
        let endpoint = try AzureEndpoint(account: "acct")
        let credentials = try AzureCredentials.sasToken("?sv=1&sig=a%2Bb")
        #expect(
            try authorize(credentials, at: endpoint).target
                == "/blobs?restype=container&sv=1&sig=a%2Bb")
        #expect(
            try authorize(credentials, at: endpoint, query: false).target
                == "/blobs?sv=1&sig=a%2Bb")
    }

    @Test(
        "AZ-14 a token crosses no network in the clear",
        arguments: [
            ("https://acct.blob.core.windows.net", false, true),
            ("http://acct.blob.core.windows.net", true, false),
            ("http://127.0.0.1:10000/acct", false, false),
            ("http://127.0.0.1:10000/acct", true, true), ("http://[::1]/acct", true, true),
            ("http://10.0.0.1/acct", true, false), ("http://localhost.example/acct", true, false),
        ])
    func plainTokens(text: String, isAllowed: Bool, isSent: Bool) async throws {
        var endpoint = try AzureEndpoint(text)
        endpoint.allowsPlainTokensOnLoopback = isAllowed
        if isSent {
            #expect(try authorize(try token(), at: endpoint).fields.count == 3)
        } else {
            let error = await expectError(.backendAuthentication) {
                _ = try authorize(try token(), at: endpoint)
            }
            #expect(error?.message.contains("plain http") == true)
            #expect(error.map { "\($0)".contains("hush") } == false)
        }
    }

    @Test("AZ-14 a key signs for its own account only")
    func otherAccount() async throws {
        let key = try AzureCredentials.sharedKey(account: "other", key: "a2V5")
        let endpoint = try AzureEndpoint(account: "acct")
        await expectError(.backendAuthentication) { _ = try authorize(key, at: endpoint) }
    }
}
