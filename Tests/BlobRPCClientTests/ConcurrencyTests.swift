import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit
import Testing

/// Many calls at once, at kernel buffers from tiny to large: other systems have stalled here for
/// good, each side waiting until the other reads.
@Suite struct ConcurrencyTests {
    @Test(arguments: [4 << 10, 212_992, 4 << 20])
    func `512 calls at once with 64 KiB bodies all finish`(
        sendBufferByteCount: Int
    ) async throws {
        let server = try TestServer { $0.sendBufferByteCount = Int32(sendBufferByteCount) }
        var configuration = ClientConfiguration()
        configuration.sendBufferByteCount = sendBufferByteCount
        let client = try await server.connect(configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<512 {
                let uri = try server.uri("blob-\(index)")
                group.addTask {
                    let body = SeededBody(seed: UInt64(index), byteCount: 64 << 10).bytes
                    try await client.put(uri, body)
                    #expect(try await client.get(uri) == body)
                }
            }
            try await group.waitForAll()
        }
        await client.close()
        await server.stop()
    }

    @Test func `small calls are answered while eight streams run`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let uri = try server.uri("large")
        try await client.put(uri, Bytes([UInt8](repeating: 5, count: 32 << 20)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var byteCount = 0
                    for try await chunk in try await client.read(uri) {
                        byteCount += chunk.bytes.count
                    }
                    #expect(byteCount == 32 << 20)
                }
            }
            group.addTask {
                for _ in 0..<100 { #expect(try await client.head(uri).byteCount == 32 << 20) }
            }
            try await group.waitForAll()
        }
        await client.close()
        await server.stop()
    }

    @Test func `a consumer that stops holds up nobody else`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let uri = try server.uri("large")
        try await client.put(uri, Bytes([UInt8](repeating: 5, count: 32 << 20)))
        var paused: [BlobRead] = []
        for _ in 0..<4 { paused.append(try await client.read(uri)) }
        // Their windows fill up and stay full; everybody else has the rest of the connection.
        for _ in 0..<3 { #expect(try await client.get(uri).count == 32 << 20) }
        for read in paused {
            var byteCount = 0
            for try await chunk in read { byteCount += chunk.bytes.count }
            #expect(byteCount == 32 << 20)
        }
        await client.close()
        await server.stop()
    }
}
