import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Where Google's credentials are looked for.
@Suite(.timeLimit(.minutes(10))) struct GoogleCredentialChainTests {
    private static let token = "https://oauth2.googleapis.com/token"
    private static let metadata =
        "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"
        + "?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"

    /// A machine with all of them: each has a client of its own, and the token says which.
    private func fixture() throws -> CredentialFixture {
        var fixture = try CredentialFixture()
        let metadata = fixture.metadataReply(
            """
            {"access_token": "of-metadata", "expires_in": 3600}
            """)
        fixture.http = ScriptedHTTP { request throws(HTTPFailure) in
            if request.url == Self.metadata { return metadata }
            let names = ["configured", "variable", "gcloud", "sdk"]
            guard request.url == Self.token,
                let name = names.first(where: { request.bodyText.contains("client_id=\($0)&") })
            else { throw HTTPFailure(.connect, "no connection") }
            return CredentialHTTPReply(
                status: 200,
                body: Bytes(utf8: "{\"access_token\": \"of-\(name)\", \"expires_in\": 3600}"))
        }
        return fixture
    }

    private func user(_ name: String) -> [String: JSONValue] {
        GoogleFiles.authorizedUser.merging(["client_id": .text(name)]) { _, last in last }
    }

    @Test("The configured file, the variable, gcloud's file and the metadata server, in this order")
    func order() async throws {
        var fixture = try fixture()
        func found(_ file: String? = nil) async throws -> String {
            try await GoogleCredentialChain(fixture.googleContext(file: file)).credentials().token
        }
        #expect(try await found() == "of-metadata")
        _ = try fixture.write(
            user("gcloud"), to: ".config/gcloud/application_default_credentials.json")
        #expect(try await found() == "of-gcloud")
        _ = try fixture.write(user("sdk"), to: "sdk/application_default_credentials.json")
        fixture.variables["CLOUDSDK_CONFIG"] = "\(fixture.directory.path)/sdk"
        #expect(try await found() == "of-sdk")
        fixture.variables["GOOGLE_APPLICATION_CREDENTIALS"] = try fixture.write(
            user("variable"), to: "variable.json")
        #expect(try await found() == "of-variable")
        #expect(
            try await found(try fixture.write(user("configured"), to: "configured.json"))
                == "of-configured")
        fixture.variables["GOOGLE_APPLICATION_CREDENTIALS"] = "~/variable.json"
        #expect(try await found() == "of-variable")
    }

    @Test("A file that somebody names must be there and be good; nobody else is asked")
    func named() async throws {
        var fixture = try fixture()
        let missing = "\(fixture.directory.path)/missing.json"
        var message = await authenticationFailure(
            of: GoogleCredentialChain(fixture.googleContext(file: missing)))
        #expect(
            message.contains("the configured credential file: \(missing): there is no such file"))
        fixture.variables["GOOGLE_APPLICATION_CREDENTIALS"] = missing
        message = await authenticationFailure(of: GoogleCredentialChain(fixture.googleContext()))
        #expect(
            message.contains("GOOGLE_APPLICATION_CREDENTIALS: \(missing): there is no such file"))
        #expect(fixture.http.requests.isEmpty)
        for (text, expected) in [
            ("", "no JSON document"), ("{}", "the type is none of"), ("[]", "no JSON document"),
            (
                "{\"type\": \"external_account_authorized_user\"}",
                "external_account_authorized_user"
            ),
            ("{\"type\": \"a secret\"}", "the type is none of"),
            ("{\"type\": \"service_account\"}", "'client_email' is missing"),
            ("{\"type\": 3}", "no JSON document"),
            ("{\"type\": \"authorized_user\", \"universe_domain\": \"x.y\"}", "universe_domain"),
        ] {
            try fixture.directory.write(text, to: "missing.json")
            message = await authenticationFailure(
                of: GoogleCredentialChain(fixture.googleContext()))
            #expect(message.contains(expected), "\(message)")
        }
    }

    @Test("Where nothing is set up, the error tells all that was looked at")
    func nothing() async throws {
        let fixture = try CredentialFixture()
        let message = await authenticationFailure(
            of: GoogleCredentialChain(fixture.googleContext()))
        #expect(message.hasPrefix("found no Google credentials"))
        for part in [
            "GOOGLE_APPLICATION_CREDENTIALS: not set", "application_default_credentials.json",
            "169.254.169.254 does not answer",
        ] {
            #expect(message.contains(part), "\(message)")
        }
    }

    @Test("A token that is refused is fetched anew once, and one that is good only once (GC-08)")
    func invalidation() async throws {
        let fixture = try fixture()
        let chain = GoogleCredentialChain(fixture.googleContext())
        let first = try await chain.credentials()
        #expect(try await chain.credentials() == first)
        #expect(fixture.http.requests.count == 1)
        chain.invalidate(first)
        _ = try await chain.credentials()
        #expect(fixture.http.requests.count == 2)
        fixture.time.advance(seconds: 3601)
        _ = try await chain.credentials()
        #expect(fixture.http.requests.count == 3)
        chain.close()
        await expectError(.shuttingDown) { _ = try await chain.credentials() }
    }

    @Test("Credentials do not show themselves")
    func redaction() async throws {
        let credentials = try await GoogleCredentialChain(try fixture().googleContext())
            .credentials()
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("of-metadata") && text.contains("REDACTED"))
        }
    }

    @Test("An emulator knows nobody, and an endpoint in the configuration counts more")
    func identity() throws {
        var fixture = try fixture()
        func identity(
            _ choice: GCSIdentity.Choice, _ endpoint: String? = nil
        ) throws -> GCSIdentity {
            try GCSIdentity(choice, endpoint: endpoint, context: fixture.googleContext())
        }
        let usual = GCSIdentity.Choice.applicationDefault(file: nil)
        #expect(try identity(usual).credentials != nil)
        #expect(try identity(usual).endpoint == nil)
        #expect(try identity(.anonymous).credentials == nil)
        for text in ["127.0.0.1:4443", "http://127.0.0.1:4443", "http://127.0.0.1:4443/"] {
            fixture.variables["STORAGE_EMULATOR_HOST"] = text
            for choice in [usual, .applicationDefault(file: "x.json"), .anonymous] {
                let emulated = try identity(choice)
                #expect(emulated.credentials == nil)
                #expect(emulated.endpoint == "http://127.0.0.1:4443")
            }
            #expect(try identity(usual, "http://127.0.0.1:1").credentials != nil)
            #expect(try identity(usual, "http://127.0.0.1:1").endpoint == "http://127.0.0.1:1")
        }
        for text in ["a b", "http://h/path", "http://h/?q"] {
            fixture.variables["STORAGE_EMULATOR_HOST"] = text
            let failure = #expect(throws: BlobError.self) { try identity(usual) }
            #expect(failure?.code == .invalidArgument)
        }
        fixture.variables["STORAGE_EMULATOR_HOST"] = nil
        #expect(throws: BlobError.self) { try identity(usual, "http://10.0.0.1:4443") }
        #expect(try identity(.anonymous, "http://10.0.0.1:4443").credentials == nil)
    }
}
