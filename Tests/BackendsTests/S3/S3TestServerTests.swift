import BlobCore
import Foundation
import TestKit
import Testing

/// The servers that the other tests trust, seen by a client that is not ours.
@Suite(.timeLimit(.minutes(10))) struct S3TestServerTests {
    @Test("a blob that is written is there", arguments: S3TestServer.Kind.allCases)
    func roundTrip(kind: S3TestServer.Kind) async throws {
        let server = try await S3TestServer.shared(kind)
        let key = server.freshPrefix() + "/a b+ü"
        let body = Bytes(utf8: "hello")
        let tag = try await server.put(
            key, body, contentType: "text/plain", metadata: ["colour": "blue"])
        #expect(try await server.get(key) == body)
        let head = try #require(try await server.head(key))
        #expect(head.ContentLength == 5)
        #expect(head.ETag == tag)
        #expect(head.ContentType == "text/plain")
        #expect(head.Metadata == ["colour": "blue"])
        #expect(try await server.keys(prefix: key) == [key])
        try await server.delete(key)
        #expect(try await server.head(key) == nil)
    }

    @Test("what is missing or refused has its code", arguments: S3TestServer.Kind.allCases)
    func failures(kind: S3TestServer.Kind) async throws {
        let server = try await S3TestServer.shared(kind)
        let failure = await #expect(throws: S3TestServer.Failure.self) {
            try await server.put("a", Bytes(), bucket: server.freshPrefix())
        }
        #expect(failure?.code == "NoSuchBucket")
        #expect(failure?.status == 404)
        #expect(try await server.assumeRole().sessionToken != nil)
        let bucket = try await server.makeBucket()
        #expect(try await server.keys(prefix: "", bucket: bucket) == [])
        #expect(try await server.uploads(prefix: "", bucket: bucket).isEmpty)
    }

    @Test("SeaweedFS takes tokens of its issuer, and no others")
    func webIdentity() async throws {
        struct Answer: Decodable, Sendable {}
        let server = try await S3TestServer.shared(.seaweedfs)
        let role = try #require(server.description.sts.webIdentityRoleARN)
        func assume(_ token: String) async throws {
            _ = try await server.call(
                "assume_role_with_web_identity",
                [
                    "RoleArn": .text(role), "RoleSessionName": "test",
                    "WebIdentityToken": .text(token),
                ], service: "sts", as: Answer.self)
        }
        try await assume(try await server.webIdentityToken())
        for token in [
            try await server.webIdentityToken(lifetimeSeconds: -60),
            try await server.webIdentityToken(audience: "other"),
            try await server.webIdentityToken(isForged: true),
        ] {
            await #expect(throws: S3TestServer.Failure.self) { try await assume(token) }
        }
    }

    @Test("a server ends when its input does", arguments: S3TestServer.Kind.allCases)
    func end(kind: S3TestServer.Kind) async throws {
        let server = try await S3TestServer.start(kind)
        let process = "/proc/\(server.description.processID)"
        #expect(FileManager.default.fileExists(atPath: process))
        server.stop()
        #expect(!FileManager.default.fileExists(atPath: process))
        await #expect(throws: ServerProcessError.self) { try await server.get("a") }
    }
}
