import Backends
import BlobCore
import Foundation
import TestKit
import Testing

@testable import BlobRPCServer

/// The list of uploads that a socket began.
@Suite struct UploadLedgerTests {
    private func upload(_ number: Int) -> MultipartUpload {
        MultipartUpload(uri: TenantFixture.uri("x"), uploadID: "\(number)")
    }

    private func policy(_ scope: ListenerPolicy.Scope, _ maximumCount: Int) -> ListenerPolicy {
        var policy = ListenerPolicy()
        policy.scope = scope
        policy.maximumUploadCount = maximumCount
        return policy
    }

    @Test func `without grants the oldest is forgotten, with them a new one is refused`() throws {
        for (scope, isRefused) in [
            (ListenerPolicy.Scope.everything, false), (.mounts(["data"]), true),
        ] {
            let ledger = UploadLedger()
            let policy = policy(scope, 2)
            for number in 0..<2 {
                try ledger.reserve(policy)
                #expect(ledger.open(upload(number)))
            }
            if isRefused {
                #expect(throws: BlobError.self) { try ledger.reserve(policy) }
                #expect(ledger.end() == [upload(0), upload(1)])
            } else {
                try ledger.reserve(policy)
                #expect(ledger.open(upload(2)))
                #expect(ledger.end() == [upload(1), upload(2)])
            }
        }
    }

    @Test func `room that was reserved is given back by a failure`() throws {
        let ledger = UploadLedger()
        let policy = policy(.mounts(["data"]), 1)
        for _ in 0..<5 {
            try ledger.reserve(policy)
            ledger.release()
        }
        try ledger.reserve(policy)
        #expect(ledger.open(upload(0)))
        ledger.close(upload(0))
        ledger.close(upload(0))
        try ledger.reserve(policy)
        #expect(throws: BlobError.self) { try ledger.reserve(policy) }
    }

    @Test func `an upload that is begun while its socket is removed is given up`() async throws {
        let server = try TestServer()
        let uri = TenantFixture.uri("x")
        // What a store keeps when there was an upload once.
        let first = try await server.store.createMultipartUpload(uri, options: MultipartOptions())
        try await server.store.abortMultipartUpload(first, options: CallOptions())
        func files() -> Set<String> {
            Set(FileManager.default.subpaths(atPath: server.rootPath) ?? [])
        }
        let before = files()
        let ledger = UploadLedger()
        let store = PolicyStore(
            server.store, policy: policy(.mounts(["data"]), 2), uploads: ledger)
        #expect(ledger.end() == [])
        let error = await failure {
            _ = try await store.createMultipartUpload(uri, options: MultipartOptions())
        }
        #expect(error?.code == .connectionLost)
        #expect(files() == before)
        await server.stop()
    }
}
