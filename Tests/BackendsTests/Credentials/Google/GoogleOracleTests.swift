import BlobCore
import Foundation
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Credentials over the real engine, against a server that verifies what it is sent.
@Suite(.timeLimit(.minutes(10))) struct GoogleOracleTests {
    private static let ownFiles = [
        "serviceAccount", "authorizedUser", "externalAccountFile", "externalAccountJSONFile",
        "externalAccountURL",
    ]
    private static let actingFiles = [
        "impersonatedServiceAccount", "impersonatedFromServiceAccount",
        "externalAccountImpersonated",
    ]

    @Test("The token of every kind of file opens storage", arguments: ownFiles + actingFiles)
    func files(kind: String) async throws {
        let oracle = try await GoogleOracleFixture()
        // Who acts as somebody may do nothing himself: the object is read as the other.
        let target = try await oracle.identity(role: "reader")
        let isActing = Self.actingFiles.contains(kind)
        let identity = try await oracle.server.googleIdentity(
            role: isActing ? "nobody" : "reader", mayActAs: [target.name])
        let key = oracle.server.freshPrefix()
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        let credentials = try await oracle.chain(identity.files[kind]).credentials()
        let reply = try await oracle.send(.get, key, token: credentials.token)
        #expect(reply.status == 200 && reply.body.utf8Text == "hello")
        #expect(try await oracle.send(.put, key, body: "x", token: credentials.token).status == 403)
        // GC-11: only a service account's own token needs nobody.
        let requests = try await oracle.server.requests(".*\(identity.path)")
        #expect(requests.isEmpty == (kind == "serviceAccount"))
        let life =
            try #require(credentials.expiresAt).milliseconds
            - WallClock.system.now().milliseconds
        #expect((3_000_000...3_600_000).contains(life))
    }

    @Test("The token of a machine opens storage")
    func machine() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.identity(role: "reader")
        let key = oracle.server.freshPrefix()
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        let credentials = try await oracle.machine(identity).credentials()
        #expect(try await oracle.send(.get, key, token: credentials.token).status == 200)
    }

    @Test("A token that is revoked is replaced when storage refuses it (GC-08)")
    func revoked() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.identity(role: "reader")
        let key = oracle.server.freshPrefix()
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        for chain in [
            try oracle.chain(identity.files["authorizedUser"]), oracle.machine(identity),
        ] {
            let first = try await chain.credentials()
            #expect(try await oracle.send(.get, key, token: first.token).status == 200)
            try await oracle.server.revokeTokens(name: identity.name)
            #expect(try await oracle.send(.get, key, token: first.token).status == 401)
            #expect(try await chain.credentials() == first)
            chain.invalidate(first)
            let second = try await chain.credentials()
            #expect(second != first)
            #expect(try await oracle.send(.get, key, token: second.token).status == 200)
        }
    }

    @Test("Signing goes on with a new token when the old one is refused (GC-08)")
    func revokedWhileSigning() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.identity()
        let key = oracle.server.freshPrefix()
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        let chain = oracle.machine(identity)
        _ = try await chain.credentials()
        try await oracle.server.revokeTokens(name: identity.name)
        let url = try await oracle.url(chain, oracle.request("GET", key))
        #expect(try await Curl.send(url).status == 200)
    }

    @Test("Fifty callers at once cause one request for a token")
    func singleFlight() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.server.googleIdentity()
        let chain = try oracle.chain(identity.files["authorizedUser"])
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { try await chain.credentials().token } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
        #expect(try await oracle.server.requests("POST \(identity.path)token").count == 1)
    }

    @Test(
        "A service that fails for a moment is asked again; one that is down is not fatal for ever")
    func failures() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.server.googleIdentity()
        let path = "POST \(identity.path)token"
        _ = try await oracle.server.fault(path, ["status": 503], times: 2)
        let chain = try oracle.chain(identity.files["authorizedUser"])
        let first = try await chain.credentials()
        let fault = try await oracle.server.fault(path, ["status": 503], times: 3)
        chain.invalidate(first)
        let failure = await expectError(.backendAuthentication) {
            _ = try await chain.credentials()
        }
        #expect(failure?.retry == .backoff)
        #expect(try await oracle.server.hits(fault) == 3)
    }

    @Test("Accounts that are disabled, and tokens of others, are refused and not shown")
    func refused() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.server.googleIdentity()
        let forged: SubjectToken = try await oracle.server.call(
            "subjectToken", ["name": .text(identity.name), "isForged": true],
            as: SubjectToken.self)
        try forged.token.write(
            toFile: identity.subjectTokenFile, atomically: true, encoding: .utf8)
        var message = await authenticationFailure(
            of: try oracle.chain(identity.files["externalAccountFile"]))
        #expect(message.contains("the security token service refused with status 400"))
        #expect(!message.contains(forged.token.suffix(20)))
        try await oracle.server.call(
            "setIdentity", ["name": .text(identity.name), "isDisabled": true])
        message = await authenticationFailure(
            of: try oracle.chain(identity.files["authorizedUser"]))
        #expect(message.contains("(invalid_grant); log in again"))
        message = await authenticationFailure(
            of: try oracle.chain(oracle.google.reader.files["impersonatedServiceAccount"] ?? "x"))
        #expect(message.contains("there is no such file"))
    }

    private struct SubjectToken: Decodable, Sendable { let token: String }
}
