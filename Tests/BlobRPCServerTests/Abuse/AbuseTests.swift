import BlobCore
import BlobRPCClient
import Foundation
import TestKit
import Testing

@testable import BlobWire

/// The real program under attack on a socket for untrusted peers: each attack is ended as its rule
/// says, what the program holds stays bounded, and a client on another socket is served throughout.
/// What the client loses of its speed is measured in `Benchmarks`, not here.
@Suite(.timeLimit(.minutes(10))) struct AbuseTests {
    private static let roundCount = 4
    private static let peerCount = 3

    @Test(arguments: Abuse.allCases)
    func `T8 T9 T10 T11 an attack is ended, and memory and descriptors are bounded`(
        _ abuse: Abuse
    ) async throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/root/tenant"
        try FileManager.default.createDirectory(
            atPath: "\(root)/many", withIntermediateDirectories: true)
        try directory.write(String(repeating: "x", count: 4 << 20), to: "root/tenant/blob")
        for number in 0..<1000 { try directory.write("", to: "root/tenant/many/\(number)") }
        let path = "\(directory.path)/tenant"
        let process = try await start(
            directory, tenant: path, keys: abuse.listenerKeys, policyKeys: abuse.policyKeys)
        let client = try await BlobClient.connect(path: process.socketPath)
        let blob = try BlobURI(parsing: "file://\(root)/blob")
        let prefix = try BlobURI(parsing: "file://\(root)/many/")
        _ = try await client.get(blob)
        let descriptorCount = try process.openDescriptorCount()
        let byteCount = try process.peakResidentByteCount()

        for _ in 0..<Self.roundCount {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.peerCount {
                    group.addTask { try await abuse.run(path, blob: blob, prefix: prefix) }
                }
                #expect(try await client.head(blob).byteCount == 4 << 20)
                try await group.waitForAll()
            }
        }
        // As before the attack: the peers are gone, the server lets go of what it had for them.
        try await untilDescriptors(of: process, are: descriptorCount, asking: client)
        // The ledger of the socket, and as much again for what the allocator keeps.
        let growth = try process.peakResidentByteCount() - byteCount
        #expect(growth < 64 << 20, "grew by \(growth >> 20) MiB")
        #expect(try await client.get(blob).count == 4 << 20)
        await client.close()
        process.kill(SIGTERM)
        #expect(await process.waitUntilExit() == 0)
    }

    @Test func `T11 hundreds of connections are turned away, and the others are served`()
        async throws
    {
        let directory = try TemporaryDirectory()
        try directory.write("x", to: "root/tenant/blob")
        let path = "\(directory.path)/tenant"
        let process = try await start(directory, tenant: path)
        let client = try await BlobClient.connect(path: process.socketPath)
        let before = try process.openDescriptorCount()
        var kept: [RawPeer] = []
        for _ in 0..<200 {
            let peer = try RawPeer(path: path)
            // Who is turned away is told so behind HELLO, before any answer.
            try await peer.write(
                Abuse.greeting(peer) + peer.frame(FrameHeader(type: .ping)))
            _ = try await peer.read(until: .hello)
            if try await peer.read()?.header.type == .pong { kept.append(peer) }
        }
        #expect(kept.count == 16)
        try await untilDescriptors(of: process, are: before + 16, asking: client)
        kept.removeAll()
        await client.close()
        process.kill(SIGTERM)
        #expect(await process.waitUntilExit() == 0)
    }

    /// Returns when `process` has no more descriptors than `count`; until then it is kept at work, by
    /// calls: too many pings would be an attack, too. The suite's time limit ends a process that
    /// never gets there.
    private func untilDescriptors(
        of process: ServerProcess, are count: Int, asking client: BlobClient
    ) async throws {
        repeat {
            try Task.checkCancellation()
            _ = try await client.serverInfo()
        } while try process.openDescriptorCount() > count
    }

    /// - Parameters:
    ///   - keys: Of the untrusted socket's listener.
    ///   - policyKeys: Of its policy.
    private func start(
        _ directory: TemporaryDirectory, tenant: String, keys: String = "", policyKeys: String = ""
    ) async throws -> ServerProcess {
        let own = "\(directory.path)/own"
        try directory.write(
            """
            listeners:
              - path: \(own)
              - path: \(tenant)
                \(keys)
                policy:
                  trust: untrusted
                  \(policyKeys)
                  grants:
                    - {prefix: "file://\(directory.path)/root/tenant/", operations: [all]}
            """, to: "configuration.yaml")
        return try await ServerProcess.start(
            socketPath: own,
            command: [
                "\(ServerProcess.productsDirectory)/blobrpcd", "--root", "\(directory.path)/root",
                "--config", "\(directory.path)/configuration.yaml", "--log-level", "critical",
            ])
    }
}
