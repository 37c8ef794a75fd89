import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit
import Testing

/// What a client is told when the server's disk is full.
@Suite(.timeLimit(.minutes(10))) struct FullDiskTests {
    @Test(.enabled(if: SmallDisk.isAvailable, "only root mounts a small tmpfs"))
    func `FS-09 a put onto a full disk is noSpace and leaves nothing behind`() async throws {
        let disk = try SmallDisk(byteCount: 3 << 20)
        defer { withExtendedLifetime(disk) {} }
        let server = try TestServer(in: disk.path)
        let client = try await server.connect()
        let uri = try server.uri("blob")
        try await client.put(uri, Bytes([1, 2, 3]))
        let large = SeededBody(seed: 1, byteCount: 8 << 20)
        for body in [
            BlobBody.stream(large.source(pieceByteCount: 64 << 10), byteCount: nil),
            .bytes(large.bytes),
        ] {
            let error = await #expect(throws: BlobError.self) {
                try await client.put(uri, body: body, options: PutOptions())
            }
            #expect(error?.code == .noSpace)
            #expect(error?.message.contains(server.rootPath) == false)
            let directory = server.directory
            let area = "root/.blobrpc-staging"
            try await TreeWatch(server.rootPath).wait {
                directory.names(in: area).filter { $0.hasPrefix("session-") }
                    .allSatisfy { directory.names(in: "\(area)/\($0)") == ["owner"] }
            }
            #expect(try await client.get(uri) == [1, 2, 3])
        }
        // The space is free again, and the connection is the same one.
        let fits = SeededBody(seed: 2, byteCount: 2 << 20).bytes
        try await client.put(uri, fits)
        #expect(try await client.get(uri) == fits)
        #expect(try await client.serverInfo().counters["connections.accepted"] == 1)
        await client.close()
        await server.stop()
    }
}
