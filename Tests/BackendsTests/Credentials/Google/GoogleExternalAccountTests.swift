import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Workloads outside Google, and accounts that are taken on.
@Suite(.timeLimit(.minutes(10))) struct GoogleExternalAccountTests {
    private static let exchange = "POST https://sts.googleapis.com/v1/token"
    private static let impersonation = "POST \(GoogleFiles.impersonationURL)"

    private func fixture(
        _ more: [String: CredentialHTTPReply] = [:]
    ) throws -> CredentialFixture {
        var fixture = try CredentialFixture()
        try fixture.directory.write("subject-secret\n", to: "token")
        try fixture.directory.write("{\"id\": \"subject-secret\", \"n\": 1}", to: "token.json")
        let replies = [
            Self.exchange: fixture.tokenReply("federated", expiresIn: 1800),
            "POST https://oauth2.googleapis.com/token": fixture.tokenReply(
                "source", expiresIn: 1800),
            Self.impersonation: fixture.impersonatedReply("impersonated"),
            "GET https://idp.test/token": fixture.reply("{\"id\": \"subject-secret\"}"),
        ].merging(more) { _, last in last }
        fixture.http = ScriptedHTTP(replies)
        return fixture
    }

    private func sources(_ fixture: CredentialFixture) -> [[String: JSONValue]] {
        let json: JSONValue = ["type": "json", "subject_token_field_name": "id"]
        return [
            ["file": .text("\(fixture.directory.path)/token")], ["file": "~/token"],
            ["file": "~/token", "format": ["type": "text"]],
            ["file": "~/token.json", "format": json],
            [
                "url": "https://idp.test/token", "headers": ["x-key": "header-secret"],
                "format": json,
            ],
        ]
    }

    @Test("The subject token comes from a file or a URL, as text or in JSON, and is exchanged")
    func sources() async throws {
        let fixture = try fixture()
        for source in sources(fixture) {
            let chain = try fixture.google(GoogleFiles.externalAccount(source))
            let credentials = try await chain.credentials()
            #expect(credentials.token == "federated")
            let request = try #require(fixture.http.requests.last)
            #expect(
                request.bodyText == "audience=%2F%2Fiam.googleapis.com%2Fpool"
                    + "&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
                    + "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                    + "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
                    + "&subject_token=subject-secret"
                    + "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt")
            #expect(request.headers["authorization"] == nil)
        }
        let fetch = try #require(fixture.http.requests.first { $0.method == .get })
        #expect(fetch.headers["x-key"] == "header-secret")
    }

    @Test("A client of the pool and a workforce's project are told")
    func clients() async throws {
        let fixture = try fixture()
        var file = GoogleFiles.externalAccount(["file": "~/token"])
        file["workforce_pool_user_project"] = "project-1"
        _ = try await fixture.google(file).credentials()
        #expect(
            fixture.http.requests.last?.bodyText
                .contains("&options=%7B%22userProject%22%3A%22project-1%22%7D&") == true)
        file["client_id"] = "id"
        file["client_secret"] = "secret"
        _ = try await fixture.google(file).credentials()
        let request = try #require(fixture.http.requests.last)
        #expect(request.headers["authorization"] == "Basic aWQ6c2VjcmV0")
        #expect(!request.bodyText.contains("options"))
    }

    @Test("What cannot be used is refused with a reason, and without any secret")
    func refused() async throws {
        let fixture = try fixture([
            "GET https://idp.test/none": try CredentialFixture().reply("", status: 403)
        ])
        let json: JSONValue = ["type": "json", "subject_token_field_name": "no"]
        let cases: [([String: JSONValue], String)] = [
            (["executable": ["command": "sh"]], "from a program are not supported"),
            (["environment_id": "aws1", "region_url": "http://x"], "from AWS are not supported"),
            (["certificate": [:]], "from a certificate are not supported"),
            ([:], "from an unknown source"),
            (["file": "~/none"], "there is no file of the subject token"),
            (["file": "~/token.json", "format": json], "there is no subject token"),
            (["file": "~/token", "format": json], "there is no subject token"),
            (["file": "~/token", "format": ["type": "xml"]], "neither text nor json"),
            (
                ["file": "~/token", "format": ["type": "json"]],
                "'subject_token_field_name' is missing"
            ),
            (["url": "http://idp.test/token"], "'url' must be an https URL"),
            (["url": "https://idp.test/none"], "refused with status 403"),
            (["url": "https://idp.test/token", "headers": ["a": "b\r\nc"]], "no header can carry"),
        ]
        for (source, expected) in cases {
            let message = await authenticationFailure(
                of: try fixture.google(GoogleFiles.externalAccount(source)))
            #expect(message.contains(expected), "\(message)")
            #expect(!message.contains("secret"))
        }
        #expect(!fixture.http.requests.contains { $0.url.hasPrefix("https://sts") })
    }

    @Test(
        "No URL of a file is followed over http, but to loopback and the metadata host",
        arguments: ["token_url", "service_account_impersonation_url"])
    func plainURLs(member: String) async throws {
        let fixture = try fixture()
        for url in [
            "http://sts.googleapis.com/v1/token", "http://10.0.0.1/x", "ftp://127.0.0.1/x",
            "http://127.0.0.1@evil.test/x", "http://127.0.0.1.evil.test/x",
        ] {
            var file = GoogleFiles.externalAccount(["file": "~/token"])
            file[member] = .text(url)
            let message = await authenticationFailure(of: try fixture.google(file))
            #expect(message.contains("'\(member)' "), "\(message)")
        }
        #expect(!fixture.http.requests.contains { $0.url.hasPrefix("http:") })
        for url in [
            "http://127.0.0.1/x", "http://localhost:1/x", "http://[::1]:1/x",
            "http://169.254.169.254/x", "http://metadata.google.internal/x", "https://any.test/x",
        ] {
            #expect(throws: Never.self) { try GoogleURLRule.url(url, member) }
        }
    }

    @Test("An account is taken on by a workload, a person or another account, and signs for them")
    func impersonation() async throws {
        let fixture = try fixture()
        var external = GoogleFiles.externalAccount(["file": "~/token"])
        let federated = GoogleFiles.impersonated(external)
        external["service_account_impersonation_url"] = .text(GoogleFiles.impersonationURL)
        let delegates: [JSONValue] = ["projects/-/serviceAccounts/b@c"]
        let files: [([String: JSONValue], source: String, isDelegated: Bool)] = [
            (external, "federated", false), (federated, "federated", false),
            (GoogleFiles.impersonated(GoogleFiles.authorizedUser), "source", false),
            (
                GoogleFiles.impersonated(
                    try GoogleFiles.serviceAccount(), delegates: delegates),
                "source", true
            ),
        ]
        for (file, source, isDelegated) in files {
            let credentials = try await fixture.google(file).credentials()
            #expect(credentials.token == "impersonated")
            // The source's token, which signs, ends first.
            #expect(
                credentials.expiresAt?.milliseconds == fixture.time.now.milliseconds + 1_800_000)
            let request = try #require(fixture.http.requests.last)
            #expect(request.headers["authorization"] == "Bearer \(source)")
            let list = isDelegated ? "\"delegates\":[\"projects/-/serviceAccounts/b@c\"]," : ""
            #expect(
                request.bodyText == "{\(list)\"lifetime\":\"3600s\",\"scope\":"
                    + "[\"https://www.googleapis.com/auth/devstorage.read_write\"]}")
            guard case .signBlob(let signer) = credentials.signing else {
                Issue.record("nobody signs")
                continue
            }
            #expect(signer.token == source && signer.delegates.count == (isDelegated ? 1 : 0))
            #expect(try await signer.email() == CredentialFixture.googleEmail)
        }
    }

    @Test("A service account that takes on another asks for a token with a signed assertion")
    func assertion() async throws {
        let fixture = try fixture()
        let file = GoogleFiles.impersonated(try GoogleFiles.serviceAccount())
        _ = try await fixture.google(file).credentials()
        let body = try #require(fixture.http.requests.first).bodyText
        let prefix = "assertion="
        #expect(body.hasPrefix(prefix) && body.hasSuffix("jwt-bearer"))
        let token = try ReadToken(String(body.dropFirst(prefix.count).prefix { $0 != "&" }))
        #expect(token.claims["aud"] == .text("https://oauth2.googleapis.com/token"))
        #expect(
            token.claims["scope"] == .text("https://www.googleapis.com/auth/cloud-platform"))
    }

    @Test("Accounts that cannot be taken on are told why")
    func badImpersonation() async throws {
        let denied = try CredentialFixture().reply(
            "{\"error\": {\"code\": 403, \"status\": \"PERMISSION_DENIED\"}}", status: 403)
        let fixture = try fixture([Self.impersonation: denied])
        let user = GoogleFiles.authorizedUser
        var nested = GoogleFiles.impersonated(GoogleFiles.impersonated(user))
        var cases = [
            (GoogleFiles.impersonated(user), "(PERMISSION_DENIED); taking on signer@project"),
            (GoogleFiles.impersonated(user), "roles/iam.serviceAccountTokenCreator"),
            (nested, "use 'delegates' instead"),
        ]
        nested["source_credentials"] = nil
        cases.append((nested, "'source_credentials' is missing"))
        var other = GoogleFiles.impersonated(user)
        other["service_account_impersonation_url"] = "https://h/v1/a@b:signJwt"
        cases.append((other, "does not end in ACCOUNT:generateAccessToken"))
        other["service_account_impersonation_url"] = "https://h/v1/a%2Fb:generateAccessToken"
        cases.append((other, "the address of the service account is not one"))
        other = GoogleFiles.impersonated(user)
        other["service_account_impersonation"] = ["token_lifetime_seconds": 1]
        cases.append((other, "token_lifetime_seconds"))
        for (file, expected) in cases {
            let message = await authenticationFailure(of: try fixture.google(file))
            #expect(message.contains(expected), "\(message)")
        }
    }
}
