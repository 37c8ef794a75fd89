import BlobCore
import Foundation
import TestKit
import Testing

/// The servers of our own that other tests trust. What they refuse is tested beside them, with the
/// vendors' clients; here only that the calls reach them.
@Suite(.timeLimit(.minutes(10))) struct CloudTestServerTests {
    @Test("a blob that is written is there", arguments: CloudTestServer.Kind.allCases)
    func roundTrip(kind: CloudTestServer.Kind) async throws {
        let server = try await CloudTestServer.shared(kind)
        let key = server.freshPrefix() + "/a b+ü"
        let body = Bytes(utf8: "hello")
        let tag = try await server.put(
            key, body, contentType: "text/plain", metadata: ["colour": "blue"])
        #expect(try await server.get(key) == body)
        let head = try #require(try await server.head(key))
        #expect(head.size == 5)
        #expect(head.etag == tag)
        #expect(head.contentType == "text/plain")
        #expect(head.metadata == ["colour": "blue"])
        #expect(try await server.keys(prefix: key) == [key])
        try await server.delete(key)
        #expect(try await server.head(key) == nil)
        let bucket = try await server.makeBucket()
        #expect(try await server.keys(prefix: "", bucket: bucket) == [])
    }

    @Test("faults happen and requests are recorded", arguments: CloudTestServer.Kind.allCases)
    func faults(kind: CloudTestServer.Kind) async throws {
        let server = try await CloudTestServer.shared(kind)
        let key = server.freshPrefix()
        try await server.put(key, Bytes(utf8: "x"))
        let fault = try await server.fault("GET .*\(key)", ["status": 403])
        let failure = await #expect(throws: ServerCallFailure.self) { try await server.get(key) }
        #expect(failure?.status == 403)
        #expect(try await server.hits(fault, atLeast: 1) == 1)
        #expect(try await server.remove(fault) == 1)
        _ = try await server.get(key)
        let requests = try await server.requests("GET .*\(key)", atLeast: 2)
        #expect(requests.first?.status == 403)
        _ = try await server.fault("GET .*\(key)", ["hold": .text(key)])
        async let held = server.get(key)
        try await server.waitHeld(key)
        try await server.release(key)
        #expect(try await held == Bytes(utf8: "x"))
    }

    @Test("everybody has files, servers and tokens of his own")
    func identities() async throws {
        let google = try await CloudTestServer.shared(.gcs)
        let identity = try await google.googleIdentity(role: "reader", mayActAs: ["admin"])
        #expect(identity.files.count == 8)
        #expect(try await google.accessToken(name: identity.name).hasPrefix("ya29."))
        try await google.revokeTokens(name: identity.name)
        #expect(google.description.google?.admin.email.isEmpty == false)
        let azure = try await CloudTestServer.shared(.azure)
        let principal = try await azure.azurePrincipal(role: "reader")
        #expect(FileManager.default.fileExists(atPath: principal.federatedTokenFile))
        let key = try #require(azure.description.azure?.accountKey)
        let call: [String: JSONValue] = [
            "kind": "blob", "account_name": "testaccount", "container_name": "blobs",
            "blob_name": "a b", "permission": "r", "expiry": "2030-01-01T00:00:00Z",
            "account_key": .text(key),
        ]
        let signatures = try await azure.signatures([call])
        #expect(signatures.first?.contains("sv=2023-11-03") == true)
    }

    @Test("a server ends when its input does", arguments: CloudTestServer.Kind.allCases)
    func end(kind: CloudTestServer.Kind) async throws {
        let server = try await CloudTestServer.start(kind)
        let process = "/proc/\(server.description.processID)"
        #expect(FileManager.default.fileExists(atPath: process))
        server.stop()
        #expect(!FileManager.default.fileExists(atPath: process))
        await #expect(throws: ServerProcessError.self) { try await server.get("a") }
    }
}
