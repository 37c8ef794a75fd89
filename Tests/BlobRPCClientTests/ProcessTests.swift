import BlobCore
import BlobRPCClient
import Foundation
import Synchronization
import TestKit
import Testing

/// The real server as a process: killed at random moments, and measured.
@Suite struct ProcessTests {
    private static func bodyByteCount(of seed: UInt64) -> Int {
        Int((seed &* 0x2545_F491_4F6C_DD1D) >> 46) + 8  // up to 256 KiB
    }

    @Test func `FS-03 kill -9 at random moments, 200 times, leaves every blob whole`() async throws
    {
        let directory = try TemporaryDirectory()
        let socket = "\(directory.path)/s"
        let root = "\(directory.path)/root"
        let keyCount = 4
        // The seed last acknowledged for each key, and every seed that was ever begun.
        var acknowledged = [UInt64?](repeating: nil, count: keyCount)
        var begun = [Set<UInt64>](repeating: [], count: keyCount)
        var nextSeed: UInt64 = 1
        for round in 0..<200 {
            let server = try await ServerProcess.start(
                socketPath: socket, rootPath: root, arguments: [])
            try Self.expectSwept(root, round)
            let client = try await BlobClient.connect(path: socket)
            for key in 0..<keyCount {
                let uri = try BlobURI(parsing: "file://\(root)/key-\(key)")
                let stored = try await Self.storedSeed(client, uri)
                if let stored {
                    #expect(begun[key].contains(stored), "key \(key) holds a body nobody put")
                    #expect(stored >= acknowledged[key] ?? 0, "an acknowledged put was lost")
                } else {
                    #expect(acknowledged[key] == nil, "an acknowledged blob is gone")
                }
            }
            // Killed when a random number of pieces has been sent: anywhere in a put.
            let piecesLeft = Mutex(Int.random(in: 1...120))
            let onPiece: @Sendable () -> Void = {
                let isDue = piecesLeft.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isDue { server.kill(9) }
            }
            let results = await withTaskGroup(of: [(Int, UInt64, Bool)].self) { group in
                for key in 0..<keyCount {
                    let seeds = (0..<8).map { _ in
                        nextSeed += 1
                        return nextSeed
                    }
                    group.addTask {
                        var outcomes: [(Int, UInt64, Bool)] = []
                        for seed in seeds {
                            let isDone = await Self.put(client, root, key, seed, onPiece)
                            outcomes.append((key, seed, isDone))
                            if !isDone { break }
                        }
                        return outcomes
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            for (key, seed, isDone) in results {
                begun[key].insert(seed)
                if isDone { acknowledged[key] = seed }
            }
            server.kill(9)
            #expect(await server.waitUntilExit() == -9)
            await client.close()
        }
    }

    private static func put(
        _ client: BlobClient, _ root: String, _ key: Int, _ seed: UInt64,
        _ onPiece: @escaping @Sendable () -> Void
    ) async -> Bool {
        let body = SeededBody(seed: seed, byteCount: bodyByteCount(of: seed))
        do {
            let uri = try BlobURI(parsing: "file://\(root)/key-\(key)")
            let source = body.source(pieceByteCount: 16 << 10, onPiece: onPiece)
            _ = try await client.put(
                uri, body: .stream(source, byteCount: nil), options: PutOptions())
            return true
        } catch {
            return false
        }
    }

    private static func storedSeed(_ client: BlobClient, _ uri: BlobURI) async throws -> UInt64? {
        do {
            let bytes = try await client.get(uri)
            let seed = SeededBody.seed(of: bytes, byteCount: bodyByteCount)
            let whole: UInt64 = try #require(seed, "the blob is torn")
            return whole
        } catch let error as BlobError where error.code == .notFound {
            return nil
        }
    }

    /// Only the running server's own locks may lie in the staging directory after a start.
    private static func expectSwept(_ root: String, _ round: Int) throws {
        let staging = "\(root)/.blobrpc-staging"
        let names = FileManager.default.enumerator(atPath: staging)
        var leftovers: [String] = []
        while let name = names?.nextObject() as? String {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(
                atPath: "\(staging)/\(name)", isDirectory: &isDirectory)
            let last = name.split(separator: "/").last.map(String.init) ?? name
            if !isDirectory.boolValue, last != "owner", last != "lock" { leftovers.append(name) }
        }
        #expect(leftovers.isEmpty, "round \(round): leftovers in staging")
    }

    @Test func `10 GiB each way through 8 streams keep the server below 64 MiB`() async throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/root"
        let server = try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: root)
        let client = try await BlobClient.connect(path: server.socketPath)
        // A sparse file: its pages are zeros, and the way through the server is the same.
        let byteCount = 10 << 30 / 8
        let path = "\(root)/sparse"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: UInt64(byteCount))
        try file.close()
        let uri = try BlobURI(parsing: "file://\(path)")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask(executorPreference: client.executor) {
                    var received = 0
                    for try await chunk in try await client.read(uri) {
                        received += chunk.bytes.count
                    }
                    return received
                }
            }
            for try await received in group { #expect(received == byteCount) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                // Each put replaces the one before: ten times 1 GiB go in, and 2 GiB need room.
                let uri = try BlobURI(parsing: "file://\(root)/put-\(index)")
                group.addTask(executorPreference: client.executor) {
                    let piece = Bytes([UInt8](repeating: 7, count: 1 << 20))
                    for _ in 0..<10 {
                        let source = RepeatedSource(piece, count: 128)
                        let result = try await client.put(
                            uri, body: .stream(source, byteCount: nil), options: PutOptions())
                        #expect(result.byteCount == 128 << 20)
                    }
                }
            }
            try await group.waitForAll()
        }
        let peak = try server.peakResidentByteCount()
        #expect(peak <= 64 << 20, "the server used \(peak >> 20) MiB")
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}

/// The same bytes again and again, without making new ones.
private final class RepeatedSource: ByteSource {
    private let bytes: Bytes
    private let left: Mutex<Int>

    init(_ bytes: Bytes, count: Int) {
        self.bytes = bytes
        left = Mutex(count)
    }

    func next() async throws(BlobError) -> Bytes? {
        let isOver = left.withLock { left in
            left -= 1
            return left < 0
        }
        return isOver ? nil : bytes
    }
}
