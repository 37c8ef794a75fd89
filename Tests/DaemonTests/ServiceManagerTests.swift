import BlobCore
import BlobRPCClient
import Foundation
import LinuxIO
import TestKit
import Testing

/// blobrpcd under a service manager (sd_listen_fds(3), sd_notify(3)).
@Suite(.timeLimit(.minutes(3))) struct ServiceManagerTests {
    @Test func `it says when it serves and when it ends`() async throws {
        let manager = try Manager([])
        let server = try await manager.start(["--socket", manager.socketPath("own")])
        #expect(try await manager.notice("READY=1").contains("STATUS="))
        server.kill(15)
        #expect(try await manager.notice("STOPPING=1").contains("draining"))
        #expect(await server.waitUntilExit() == 0)
        #expect(!FileManager.default.fileExists(atPath: manager.socketPath("own")))
    }

    @Test func `it feeds the watchdog as long as its loops have turns`() async throws {
        let manager = try Manager([])
        let server = try await manager.start(
            ["--socket", manager.socketPath("own")], environment: ["WATCHDOG_USEC": "100000"])
        for _ in 0..<3 { _ = try await manager.notice("WATCHDOG=1") }
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `a manager that takes no notices holds nothing up`() async throws {
        let manager = try Manager([])
        manager.fillWithNotices()
        let server = try await manager.start(
            ["--socket", manager.socketPath("own")], environment: ["WATCHDOG_USEC": "100000"])
        let client = try await BlobClient.connect(path: manager.socketPath("own"))
        _ = try await client.ping()
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `sockets that were handed over are served and stay`() async throws {
        let manager = try Manager(["one", "two"])
        let server = try await manager.start()
        let uri = try BlobURI(parsing: "file://\(manager.rootPath)/blob")
        for name in ["one", "two"] {
            let client = try await BlobClient.connect(path: manager.socketPath(name))
            _ = try await client.put(uri, Bytes(utf8: name))
            #expect(try await client.get(uri) == Bytes(utf8: name))
            await client.close()
        }
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
        // The path is the manager's; there is no lock file of ours beside it either.
        #expect(FileManager.default.fileExists(atPath: manager.socketPath("one")))
    }

    @Test func `a listener is found by its name, with its own limits`() async throws {
        let manager = try Manager(["reading", "writing"])
        try manager.directory.write(
            """
            listeners:
              - path: \(manager.directory.path)/elsewhere
                name: reading
                readOnly: true
              - path: \(manager.socketPath("writing"))
            """, to: "config.yaml")
        let server = try await manager.start(
            ["--config", "\(manager.directory.path)/config.yaml"])
        let uri = try BlobURI(parsing: "file://\(manager.rootPath)/blob")
        let writer = try await BlobClient.connect(path: manager.socketPath("writing"))
        _ = try await writer.put(uri, Bytes(utf8: "text"))
        let reader = try await BlobClient.connect(path: manager.socketPath("reading"))
        #expect(try await reader.get(uri) == Bytes(utf8: "text"))
        let refusal = await #expect(throws: BlobError.self) {
            try await reader.put(uri, Bytes(utf8: "other"))
        }
        #expect(refusal?.code == .readOnly)
        await writer.close()
        await reader.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `a socket that no listener wants keeps it from starting`() async throws {
        let manager = try Manager(["stray"])
        try manager.directory.write(
            "listeners:\n  - path: \(manager.socketPath("own"))\n", to: "config.yaml")
        await #expect(throws: ServerProcessError.self) {
            try await manager.start(["--config", "\(manager.directory.path)/config.yaml"])
        }
    }

    @Test func `it leaves no core, whatever the limit was`() async throws {
        let manager = try Manager([])
        let server = try await manager.start(
            ["--socket", manager.socketPath("own")], prelude: "ulimit -S -c unlimited")
        let limits = try String(
            contentsOfFile: "/proc/\(server.identifier)/limits", encoding: .utf8)
        let line = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
        #expect(line?.split(separator: " ").filter { $0 == "0" }.count == 2)
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
