import Backends
import BlobCore
import CTestShims
import Glibc
import LinuxIO
import TestKit
import Testing

/// What other file systems answer, answered by a filter of system calls. There is no way back from
/// a filter, so each test is a process of its own.
@Suite(.enabled(if: ctest_has_filters() == 1, "the kernel has no seccomp filters"))
struct LocalSystemCallTests {
    @Test func `every behaviour holds where renames have no flags`() async throws {
        // Of this process: a child that ends does not always get to remove its own.
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            #expect(ctest_refuse_rename_flags() == 0)
            for behaviour in BlobStoreBehaviour.all {
                let fixture = try LocalFixture(in: path)
                do {
                    try await behaviour.run(
                        BehaviourContext(store: fixture.store, base: fixture.uri("base")))
                } catch {
                    Issue.record(error, "\(behaviour)")
                }
                fixture.pool.shutdownAndWait()
                #expect(!fixture.stagedNames.contains { $0.hasPrefix("session/") })
            }
        }
    }

    /// The durability, the call that the disk refuses to take, and whether that is noticed.
    @Test(
        arguments: [
            (.none, false, false), (.none, true, false), (.data, false, true),
            (.data, true, false), (.full, false, false), (.full, true, true),
        ] as [(LocalDurability, Bool, Bool)])
    func `FS-10 a part is one when the disk has its bytes`(
        durability: LocalDurability, refusesMetadata: Bool, isNoticed: Bool
    ) async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) {
            [
                durability = durability.rawValue as String, refusesMetadata, isNoticed,
                path = directory.path as String
            ] in
            let fixture = try LocalFixture(in: path) {
                $0.durability = LocalDurability(rawValue: durability) ?? $0.durability
            }
            let upload = try await fixture.store.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            #expect(ctest_fail_syncs(refusesMetadata ? 1 : 0, EIO) == 0)
            for (number, offset) in [(1, nil), (2, 0)] as [(UInt32, UInt64?)] {
                do throws(BlobError) {
                    _ = try await fixture.store.uploadPart(
                        upload, partNumber: number, body: .bytes([1]),
                        options: UploadPartOptions(offset: offset))
                    #expect(!isNoticed)
                } catch {
                    #expect(isNoticed && error.code == .inputOutput, "\(error)")
                }
            }
            let page = try await fixture.store.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty == isNoticed)
        }
    }

    @Test(arguments: [ENOSPC, EDQUOT])
    func `FS-09 a full disk or quota in the middle of a put is noSpace`(
        number: Int32
    ) async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [number, path = directory.path as String] in
            let fixture = try LocalFixture(in: path)
            try await fixture.put("kept", at: "blob")
            #expect(ctest_fail_large_writes(500_000, number) == 0)
            // More than a batch is on the disk before the piece that finds no room.
            let small = Bytes([UInt8](repeating: 1, count: 200_000))
            let large = Bytes([UInt8](repeating: 2, count: 500_000))
            for key in ["blob", "new"] {
                let body = AsyncStream<Bytes> { continuation in
                    for piece in Array(repeating: small, count: 12) + [large, small] {
                        continuation.yield(piece)
                    }
                    continuation.finish()
                }
                await expectError(.noSpace) {
                    _ = try await fixture.store.put(
                        fixture.uri(key), body: BlobBody(body), options: PutOptions())
                }
                try await TreeWatch(fixture.directory.path).wait { fixture.stagedNames.isEmpty }
            }
            #expect(try await fixture.text(at: "blob") == "kept")
            #expect(fixture.directory.names() == [".blobrpc-staging", "blob"])
            try await fixture.store.put(fixture.uri("fits"), small)
        }
    }
}
