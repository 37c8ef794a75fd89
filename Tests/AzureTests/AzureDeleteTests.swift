import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Deletions, one by one and by the batch.
@Suite(.timeLimit(.minutes(10))) struct AzureDeleteTests {
    /// A container of its own: batches are told apart by it alone.
    private func with(
        _ identity: AzureFixture.Identity = .key,
        _ body: (AzureFixture, _ uri: (String) -> BlobURI, _ pattern: String) async throws -> Void
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let container = try await fixture.server.makeBucket()
            try await body(
                fixture, { BlobURI(scheme: .az, container: container, key: $0) },
                "^POST /[^/?]+/\(container)\\?.*comp=batch")
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `W-75 300 blobs take two requests, and each outcome is known`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await with(identity) { fixture, uri, pattern in
            let names = (0..<300).map { "blob \($0)" + ($0 % 3 == 0 ? "ü/%20+#?" : "") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, name) in names.enumerated() where index % 2 == 0 {
                    if index >= 32 { try await group.next() }
                    let uri = uri(name)
                    group.addTask { try await fixture.backend.put(uri, Bytes(utf8: "x")) }
                }
                try await group.waitForAll()
            }
            let outcomes = try await fixture.backend.delete(
                names.map(uri), options: CallOptions())
            for (index, outcome) in outcomes.enumerated() {
                #expect(try outcome.get().existed == (index % 2 == 0))
            }
            #expect(try await fixture.server.requests(pattern).count == 2)
            #expect(try await fixture.server.keys(prefix: "", bucket: uri("").container) == [])
        }
    }

    /// What happens to a batch, and what can be said then of a blob that was there and of one that was
    /// not.
    struct BatchFault: Sendable {
        var parts: [String: JSONValue]
        var existed: Bool?
        var missing: Bool?

        /// Nothing was done, and that is certain.
        static let refusals = [
            ["status": 501, "code": "NotImplemented"], ["status": 400, "code": "InvalidInput"],
            ["status": 403, "code": "AuthorizationFailure"],
        ].map { BatchFault(parts: $0, existed: true, missing: false) }
        /// Nothing was done, but it looks as if it might have been.
        static let doubts = [
            ["status": 500], ["drop": true], ["status": 202, "body": "nonsense"],
            ["status": 202, "body": ""],
        ].map { BatchFault(parts: $0, existed: true, missing: nil) }
        /// All was done, and nobody was told.
        static let losses = [
            ["removeHeaders": ["Content-Type"]],
            ["setHeaders": ["Content-Type": "multipart/mixed"]], ["loseReply": true],
            ["cutAfterBytes": 20], ["status": 500, "perform": true],
        ].map { BatchFault(parts: $0, existed: nil, missing: nil) }
    }

    @Test(arguments: BatchFault.refusals + BatchFault.doubts + BatchFault.losses)
    func `W-74 W-75 where a batch fails, each blob is deleted by itself`(
        _ fault: BatchFault
    ) async throws {
        try await with { fixture, uri, pattern in
            let names = ["a", "b", "c"]
            for name in names { try await fixture.backend.put(uri(name), Bytes(utf8: "x")) }
            _ = try await fixture.server.fault(pattern, fault.parts, times: 10)
            let outcomes = try await fixture.backend.delete(
                (names + ["missing"]).map(uri), options: CallOptions())
            let existed = try outcomes.map { try $0.get().existed }
            #expect(existed == names.map { _ in fault.existed } + [fault.missing])
            #expect(try await fixture.server.keys(prefix: "", bucket: uri("").container) == [])
            // libcurl sends again what a connection that was used before has lost.
            let count = try await fixture.server.requests(pattern).count
            #expect(count == 1 || fault.parts["drop"] != nil)
        }
    }

    @Test func `AZ-15 a blob with snapshots is a conflict and keeps the others from nothing`()
        async throws
    {
        try await with { fixture, uri, _ in
            for name in ["a", "kept", "c"] {
                try await fixture.backend.put(uri(name), Bytes(utf8: "x"))
            }
            let container = uri("").container
            try await fixture.server.call(
                "snapshot", ["key": "kept", "bucket": .text(container)])
            let outcomes = try await fixture.backend.delete(
                ["a", "kept", "c"].map(uri), options: CallOptions())
            #expect(try outcomes[0].get().existed == true)
            #expect(try outcomes[2].get().existed == true)
            let error = await expectError(.conflict) { _ = try outcomes[1].get() }
            #expect(error?.message.contains("SnapshotsPresent") == true)
            #expect(error?.uri?.contains("kept") == true)
            #expect(try await fixture.server.keys(prefix: "", bucket: container) == ["kept"])
        }
    }

    @Test func `blobs of several containers, and of one that is missing`() async throws {
        try await with { fixture, uri, _ in
            let second = BlobURI(
                scheme: .az, container: try await fixture.server.makeBucket(), key: "x")
            let missing = BlobURI(scheme: .az, container: "no-such-container", key: "x")
            for uri in [uri("a"), uri("b"), second] {
                try await fixture.backend.put(uri, Bytes(utf8: "x"))
            }
            let outcomes = try await fixture.backend.delete(
                [uri("a"), missing, second, uri("b"), missing], options: CallOptions())
            for index in [0, 2, 3] { #expect(try outcomes[index].get().existed == true) }
            for index in [1, 4] {
                await expectError(.containerNotFound) { _ = try outcomes[index].get() }
            }
        }
    }

    @Test func `a deletion whose answer is lost does not say that there was no blob`()
        async throws
    {
        try await AzureFixture.with { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            _ = try await fixture.fault(.delete, ["loseReply": true])
            #expect(try await fixture.backend.delete(fixture.uri("blob")).existed == nil)
            #expect(try await fixture.backend.delete(fixture.uri("blob")).existed == false)
        }
    }

    @Test func `who has a SAS token of the container deletes by the batch, too`() async throws {
        let server = try await CloudTestServer.shared(.azure)
        let azure = try #require(server.description.azure)
        let container = try await server.makeBucket()
        let token = try #require(
            try await server.signatures([
                [
                    "kind": "container", "account_name": .text(azure.account),
                    "container_name": .text(container), "permission": "rwdl",
                    "expiry": "2090-01-01T00:00:00Z", "account_key": .text(azure.accountKey),
                ]
            ]).first)
        try await AzureFixture.with(configure: { $0.identity = .sasToken(token) }) { fixture in
            let uris = ["a", "b"].map { BlobURI(scheme: .az, container: container, key: $0) }
            for uri in uris { try await fixture.backend.put(uri, Bytes(utf8: "x")) }
            let outcomes = try await fixture.backend.delete(uris, options: CallOptions())
            for outcome in outcomes { #expect(try outcome.get().existed == true) }
            #expect(
                try await server.requests("^POST /[^/?]+/\(container)\\?.*comp=batch").count == 1)
            #expect(try await server.requests("^DELETE /[^/?]+/\(container)/").isEmpty)
        }
    }
}
