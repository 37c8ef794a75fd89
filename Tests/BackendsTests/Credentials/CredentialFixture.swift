import BlobCore
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Answers requests for credentials as a test says, and remembers them.
final class ScriptedHTTP: CredentialHTTP {
    typealias Script =
        @Sendable (HTTPRequest) async throws(HTTPFailure) -> CredentialHTTPReply

    private let script: Script
    private let received = Mutex<[HTTPRequest]>([])

    init(_ script: @escaping Script) {
        self.script = script
    }

    /// Answers by URL; what is not listed cannot be connected to.
    convenience init(_ replies: [String: CredentialHTTPReply]) {
        self.init { request throws(HTTPFailure) in
            guard let reply = replies["\(request.method.rawValue) \(request.url)"] else {
                throw HTTPFailure(.connect, "no connection")
            }
            return reply
        }
    }

    var requests: [HTTPRequest] { received.withLock { $0 } }

    func exchange(
        _ request: HTTPRequest, maximumResponseByteCount: Int
    ) async throws(HTTPFailure) -> CredentialHTTPReply {
        received.withLock { $0.append(request) }
        let reply = try await script(request)
        guard reply.body.count <= maximumResponseByteCount else {
            throw HTTPFailure(.responseTooLarge, "too large")
        }
        return reply
    }
}

/// A wall clock that a test sets.
final class TestWallClock: Sendable {
    private let time: Mutex<Int64>

    init(_ milliseconds: Int64 = 1_795_475_758_000) {
        time = Mutex(milliseconds)
    }

    var now: Timestamp { Timestamp(milliseconds: time.withLock { $0 }) }
    var clock: WallClock { WallClock { self.now } }

    func advance(seconds: Int64) {
        time.withLock { $0 += seconds * 1000 }
    }

    /// ISO 8601, `seconds` from now.
    func text(in seconds: Int64) -> String {
        Timestamp(milliseconds: now.milliseconds + seconds * 1000).description
    }
}

/// A machine with an empty home directory, no variables and no network.
struct CredentialFixture {
    let directory: TemporaryDirectory
    let pool = BlockingPool(name: "credentials", threadCount: 2)
    let time = TestWallClock()
    var variables: [String: String] = [:]
    var http = ScriptedHTTP([:])
    var region: String?
    var profileName: String?
    var processTimeout = Duration.seconds(30)

    init() throws {
        directory = try TemporaryDirectory()
    }

    var context: AWSCredentialContext {
        var requests = CredentialRequests(http: http)
        requests.pause = .zero
        return AWSCredentialContext(
            environment: CredentialEnvironment(
                variables: variables, homeDirectory: directory.path),
            requests: requests, files: CredentialFiles(pool: pool), clock: time.clock,
            region: region, profileName: profileName, processTimeout: processTimeout)
    }

    func chain(explicit: AWSCredentials? = nil) -> AWSCredentialChain {
        AWSCredentialChain(explicit: explicit, context: context)
    }

    func config(_ text: String) throws {
        try directory.write(text, to: ".aws/config")
    }

    func credentialsFile(_ text: String) throws {
        try directory.write(text, to: ".aws/credentials")
    }

    /// What a token service answers.
    func roleReply(
        _ accessKeyID: String, action: String = "AssumeRole", expiresIn seconds: Int64 = 3600
    ) -> CredentialHTTPReply {
        reply(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <\(action)Result>
                <Credentials>
                  <AccessKeyId>\(accessKeyID)</AccessKeyId>
                  <SecretAccessKey>role-secret</SecretAccessKey>
                  <SessionToken>role-token</SessionToken>
                  <Expiration>\(time.text(in: seconds))</Expiration>
                </Credentials>
              </\(action)Result>
            </\(action)Response>
            """)
    }

    /// What a metadata service or container endpoint answers.
    func keysReply(_ accessKeyID: String, expiresIn seconds: Int64 = 3600) -> CredentialHTTPReply {
        reply(
            """
            {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "\(accessKeyID)",
             "SecretAccessKey": "document-secret", "Token": "document-token",
             "Expiration": "\(time.text(in: seconds))"}
            """)
    }

    func reply(_ text: String, status: Int = 200) -> CredentialHTTPReply {
        CredentialHTTPReply(status: status, body: Bytes(utf8: text))
    }

    /// What token services answer (RFC 6749 section 5.1).
    func tokenReply(_ token: String, expiresIn seconds: Int64 = 3600) -> CredentialHTTPReply {
        reply(
            """
            {"access_token": "\(token)", "expires_in": \(seconds), "token_type": "Bearer"}
            """)
    }
}

extension HTTPRequest {
    /// The body as text.
    var bodyText: String {
        guard case .bytes(let pieces) = body else { return "" }
        return pieces.map { $0.utf8Text ?? "" }.joined()
    }
}

/// Expects the chain to fail with `backendAuthentication`; returns its message.
func authenticationFailure(
    of source: some CredentialSource,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> String {
    let error = await expectError(.backendAuthentication, sourceLocation: sourceLocation) {
        _ = try await source.credentials()
    }
    return error?.message ?? ""
}

/// Fails as often as it is told.
final class ScriptedFailures: Sendable {
    private let rest: Mutex<Int>

    init(_ count: Int) {
        rest = Mutex(count)
    }

    func next() throws(HTTPFailure) {
        let mustFail = rest.withLock { rest in
            rest -= 1
            return rest >= 0
        }
        if mustFail { throw HTTPFailure(.connectionLost, "the connection broke") }
    }
}

extension CredentialFixture {
    /// The text of a file of the system; nil when there is none.
    func systemText(_ path: String) async throws -> String? {
        try await context.files.text(at: path)
    }
}
