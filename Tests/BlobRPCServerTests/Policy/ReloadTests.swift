import BlobCore
import BlobRPCClient
import Foundation
import Glibc
import TestKit
import Testing

@testable import BlobWire

/// The real program, its configuration file and SIGHUP.
@Suite(.timeLimit(.minutes(10))) struct ReloadTests {
    private struct Daemon {
        let directory: TemporaryDirectory
        let process: ServerProcess

        var path: String { directory.path }

        init(_ listeners: String) async throws {
            directory = try TemporaryDirectory()
            try FileManager.default.createDirectory(
                atPath: "\(directory.path)/run", withIntermediateDirectories: true)
            try Self.write(listeners, in: directory)
            try directory.write("", to: "log/stderr")
            process = try await ServerProcess.start(
                socketPath: "", rootPath: "\(directory.path)/root",
                arguments: ["--config", "\(directory.path)/configuration.yaml"],
                logPath: "\(directory.path)/log/stderr")
        }

        static func write(_ listeners: String, in directory: TemporaryDirectory) throws {
            try directory.write(
                """
                mounts:
                  data: file://\(directory.path)/root/data
                  other: file://\(directory.path)/root/other
                audit:
                  path: \(directory.path)/log/audit
                listeners:
                \(listeners.replacingOccurrences(of: "RUN", with: "\(directory.path)/run"))
                """, to: "configuration.yaml")
        }

        /// Writes the file, sends SIGHUP and waits until the log has one more line with `text`.
        func reload(_ listeners: String, _ text: String) async throws {
            let directory = directory
            let before = Self.count(text, directory)
            try Self.write(listeners, in: directory)
            let watch = try TreeWatch("\(directory.path)/log")
            process.kill(SIGHUP)
            try await watch.wait { Self.count(text, directory) > before }
        }

        private static func count(_ text: String, _ directory: TemporaryDirectory) -> Int {
            (directory.text(of: "log/stderr") ?? "").components(separatedBy: text).count
        }
    }

    private let uri = TenantFixture.uri("x")

    @Test func `SIGHUP changes policies, adds and removes sockets, and drops no connection`()
        async throws
    {
        let daemon = try await Daemon(
            """
              - path: RUN/a.sock
              - path: RUN/b.sock
                policy: {trust: untrusted, mounts: [data]}
            """)
        let kept = try await RawPeer.open(path: "\(daemon.path)/run/a.sock")
        let removed = try await RawPeer.open(path: "\(daemon.path)/run/b.sock")
        #expect(
            try await removed.error(.put(uri, PutOptions(), bodyByteCount: nil), flags: .end) == nil
        )
        // A call that goes on across the reload.
        let running = try await kept.call(
            .put(TenantFixture.uri("y"), PutOptions(), bodyByteCount: 1), flags: [])
        #expect(try await kept.error(.head(uri, GetOptions())) == nil)
        try await daemon.reload(
            """
              - path: RUN/a.sock
                policy: {mounts: [other]}
              - path: RUN/c.sock
                policy:
                  trust: untrusted
                  grants: [{prefix: "blob://data/", operations: [read]}]
            """, "configuration reloaded")
        #expect(try await removed.read() == nil)
        #expect(!daemon.directory.has("run/b.sock"))
        #expect(try await kept.error(.head(uri, GetOptions()))?.code == .notFound)
        try await kept.write(
            kept.frame(FrameHeader(type: .data, flags: .end, streamID: running), payload: [1]))
        guard case .written = try await kept.answer(on: running, to: .put) else {
            Issue.record("the running call was ended")
            return
        }
        let added = try await RawPeer.open(path: "\(daemon.path)/run/c.sock")
        #expect(try await added.error(.head(uri, GetOptions())) == nil)
        #expect(try await added.error(.delete(uri))?.code == .permissionDenied)
        daemon.process.kill(SIGTERM)
        #expect(await daemon.process.waitUntilExit() == 0)
        let audit = daemon.directory.text(of: "log/audit") ?? ""
        #expect(audit.split(separator: "\n").count == 6)
    }

    @Test func `a broken file changes nothing and says so`() async throws {
        let good = """
              - path: RUN/a.sock
                policy: {trust: untrusted, mounts: [data]}
            """
        let daemon = try await Daemon(good)
        let peer = try await RawPeer.open(path: "\(daemon.path)/run/a.sock")
        try daemon.directory.write("not a socket", to: "run/taken.sock")
        for (broken, complaint) in [
            ("  - path: [", "configuration.yaml"),
            ("  - path: RUN/a.sock\n    policy: {trust: untrusted}", "a.sock: policy.grants"),
            ("  - path: RUN/a.sock\n    policy: {mountz: [data]}", "a.sock).policy: unknown key"),
            ("  - path: RUN/a.sock\n    policy: {mounts: [nowhere]}", "no mount 'nowhere'"),
            (good + "\n  - path: RUN/a.sock", "two listeners have the path"),
            // One of two new sockets cannot be: then neither is.
            (
                "  - path: RUN/a.sock\n  - path: RUN/new.sock\n  - path: RUN/taken.sock",
                "taken.sock"
            ),
        ] {
            try await daemon.reload(broken, "configuration not reloaded")
            let log = daemon.directory.text(of: "log/stderr") ?? ""
            #expect(log.contains(complaint), "\(complaint)")
            #expect(try await peer.error(.head(uri, GetOptions()))?.code == .notFound)
            #expect(
                daemon.directory.names(in: "run").filter { $0.hasSuffix(".sock") } == [
                    "a.sock", "taken.sock",
                ])
        }
        #expect(daemon.directory.text(of: "run/taken.sock") == "not a socket")
        try await daemon.reload(good, "configuration reloaded")
        #expect(try await peer.error(.info) == nil)
        daemon.process.kill(SIGTERM)
        #expect(await daemon.process.waitUntilExit() == 0)
    }
}
