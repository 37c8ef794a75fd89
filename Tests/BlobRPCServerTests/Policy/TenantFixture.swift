import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit
import Testing

@testable import BlobWire

/// A server whose mount holds the blobs of several tenants, with one socket for the tenant `team`.
struct TenantFixture {
    let server: TestServer
    /// The tenant's socket.
    let path: String

    static let ownBlob: [UInt8] = [1, 2, 3]

    /// What `team` may do unless a test says otherwise.
    static var teamScope: ListenerPolicy.Scope {
        .granted([
            PolicyGrant(
                PolicyGrant.reading.union(PolicyGrant.writing).union(PolicyGrant.deleting),
                on: uri("team"))
        ])
    }

    /// A blob of the mount.
    static func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .blob, container: "data", key: key)
    }

    static func with(
        _ scope: ListenerPolicy.Scope = teamScope, audit: (any AuditSink)? = nil,
        configure: (inout ListenerConfiguration) -> Void = { _ in },
        wrapping: (any BlobStore) -> any BlobStore = { $0 },
        _ body: (TenantFixture) async throws -> Void
    ) async throws {
        let server = try TestServer(audit: audit, wrapping: wrapping)
        for key in ["team/a", "team/sub/b", "teamwork/secret", "other/secret"] {
            _ = try await server.store.put(uri(key), Bytes(ownBlob))
        }
        let path = try server.addUntrusted("team.sock", scope, configure: configure)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(TenantFixture(server: server, path: path)))
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        try outcome.get()
    }

    /// Runs `body` with a client of the tenant's socket.
    func withClient(_ body: (BlobClient) async throws -> Void) async throws {
        let client = try await BlobClient.connect(path: path)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        try outcome.get()
    }

    /// What lies in the mount, whatever the socket shows.
    func keys() async throws -> [String] {
        try await server.store.listAll(Self.uri("")).map(\.uri.key)
    }
}

/// The error that `body` throws; records an issue when it throws none.
func failure(
    of body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) async -> BlobError? {
    await #expect(throws: BlobError.self, sourceLocation: sourceLocation) { try await body() }
}

extension RawPeer {
    /// Makes a call and returns its answer; a call without a body unless `flags` say otherwise.
    func answer(
        _ arguments: BlobRequest.Arguments, flags: FrameFlags = [.end, .noData]
    ) async throws -> BlobResponse {
        let streamID = try await call(arguments, flags: flags)
        return try await answer(on: streamID, to: BlobRequest(arguments).operation)
    }

    func answer(on streamID: UInt32, to operation: BlobOperation) async throws -> BlobResponse {
        while let frame = try await read(until: .response) {
            guard frame.header.streamID == streamID else { continue }
            return try BlobResponse(payload: frame.payload, answering: operation)
        }
        throw BlobError(.connectionLost, "no answer to \(operation)")
    }

    /// The error that answers a call; nil for success.
    func error(
        _ arguments: BlobRequest.Arguments, flags: FrameFlags = [.end, .noData]
    ) async throws -> BlobError? {
        if case .failure(let error) = try await answer(arguments, flags: flags) {
            error
        } else {
            nil
        }
    }
}
