import BlobCore
import BlobRPCClient
import Foundation
import Glibc
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import BlobRPCServer
@testable import BlobWire

/// One line a call, without a secret.
@Suite(.timeLimit(.minutes(10))) struct AuditTests {
    /// Keeps what it is told.
    private final class Recorder: AuditSink {
        private let records = Mutex<[AuditRecord]>([])
        let isTold = Event()
        func record(_ record: AuditRecord) {
            records.withLock { $0.append(record) }
            isTold.signal()
        }
        var all: [AuditRecord] { records.withLock { $0 } }
    }

    private func lines(_ path: String) throws -> [[String: Any]] {
        let text = String(
            decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private func record(
        _ subject: String = "blob://data/x", listener: String = "/run/x.sock"
    ) -> AuditRecord {
        AuditRecord(
            time: Timestamp(milliseconds: 1_763_838_000_000), listener: listener, userID: 1,
            groupID: 2, processID: 3, operation: .get, subjects: [subject],
            outcome: AuditRecord.Outcome(status: nil, receivedByteCount: 4, sentByteCount: 5),
            microseconds: 6)
    }

    @Test func `every call has a record, refused ones too`() async throws {
        let recorder = Recorder()
        try await TenantFixture.with(audit: recorder) { fixture in
            try await fixture.withClient { client in
                _ = try await client.get(TenantFixture.uri("team/a"))
                _ = try await client.put(TenantFixture.uri("team/new"), Bytes([1, 2, 3, 4]))
                _ = try? await client.head(TenantFixture.uri("other/secret"))
                _ = try await client.copy(
                    from: TenantFixture.uri("team/a"), to: TenantFixture.uri("team/b"),
                    options: CopyOptions())
                _ = try await client.serverInfo()
            }
            let records = recorder.all
            #expect(records.map(\.operation) == [.get, .put, .head, .copy, .info])
            #expect(records.map(\.outcome.status) == [nil, nil, .notFound, nil, nil])
            #expect(records[0].outcome.sentByteCount == 3)
            #expect(records[1].outcome.receivedByteCount == 4)
            #expect(records[3].subjects == ["blob://data/team/a", "blob://data/team/b"])
            #expect(records[4].subjects == [])
            for record in records {
                #expect(record.listener == fixture.path)
                #expect(record.userID == geteuid())
                #expect(record.groupID == getegid())
                #expect(record.processID == getpid())
                #expect(record.microseconds >= 0)
            }
        }
    }

    @Test func `the audit has no upload ID, no signed URL and no metadata`() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/audit.jsonl"
        let audit = try AuditLog(.file(path))
        let server = try TestServer(audit: audit)
        let client = try await server.connect()
        let uri = TenantFixture.uri("x")
        let upload = try await client.createMultipartUpload(
            uri, options: MultipartOptions(userMetadata: ["token": "hunter2"]))
        let part = try await client.uploadPart(
            upload, partNumber: 1, body: .bytes(Bytes([1])), options: UploadPartOptions())
        let url = try await client.presignGet(uri, options: PresignOptions(validSeconds: 60))
        _ = try await client.completeMultipartUpload(
            upload, parts: [part], options: CompleteOptions())
        let etag = try await client.head(uri).etag
        await client.close()
        await server.stop()
        audit.close()
        let text = directory.text(of: "audit.jsonl") ?? ""
        #expect(try lines(path).count == 5)
        for secret in [upload.uploadID, url.url, etag, "hunter2", server.rootPath] {
            #expect(!text.contains(secret), "\(secret)")
        }
        #expect(
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                == 0o600)
    }

    /// Who connects, hands the connection to a child and ends before it is accepted.
    @Test func `a process that ended before its connection was accepted is not named`()
        async throws
    {
        let recorder = Recorder()
        let mayAccept = DispatchSemaphore(value: 0)
        var calls = SystemCalls.live
        calls.accept = { listener in
            mayAccept.wait()
            mayAccept.signal()
            return SystemCalls.live.accept(listener)
        }
        let server = try TestServer(systemCalls: calls, audit: recorder)
        let waiting = try RawPeer(path: server.socketPath)
        let bytes = try Preface.bytes + waiting.hello() + waiting.request(.info).bytes
        let script = """
            import os, socket, sys
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(sys.argv[1])
            if os.fork() == 0:
                peer.sendall(bytes.fromhex(sys.argv[2]))
                while peer.recv(65536): pass
            """
        let parent = try await Program.run([
            "/usr/bin/python3", "-c", script, server.socketPath, HexText.text(of: bytes),
        ])
        #expect(parent.status == 0, "\(parent.complaint)")
        mayAccept.signal()
        try await recorder.isTold.wait()
        // The child is told that the connection ends.
        await server.stop()
        let record = try #require(recorder.all.first)
        #expect(record.operation == .info)
        #expect(record.processID == 0)
        #expect(record.userID == geteuid())
    }

    @Test func `a line is one JSON object, whatever the key holds`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/audit"
        let audit = try AuditLog(.file(path))
        let key = "a\"b\\c\nd\u{1}\u{7F}\u{2028}e\u{1F600}"
        audit.record(record(key))
        audit.close()
        let lines = try lines(path)
        #expect(lines.count == 1)
        #expect(lines[0]["uris"] as? [String] == [key])
        #expect(lines[0]["status"] as? String == "OK")
        #expect(lines[0]["time"] as? String == "2025-11-22T19:00:00.000Z")
        for (name, value) in [
            ("uid", 1), ("gid", 2), ("pid", 3), ("received", 4), ("sent", 5), ("microseconds", 6),
        ] {
            #expect(lines[0][name] as? Int == value, "\(name)")
        }
        // What the server hands over is escaped already: no control character of a peer's comes so far.
        let forged = BlobURI(scheme: .blob, container: "data", key: "x\n{\"forged\":1}")
        #expect(!forged.redactedDescription.contains("\n"))
    }

    @Test func `lines over the rate are dropped, counted and told`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/audit"
        let audit = try AuditLog(.file(path), linesPerSecond: 5)
        for _ in 0..<10_000 { audit.record(record()) }
        audit.close()
        // After the end nothing is taken.
        audit.record(record())
        let lines = try lines(path)
        let dropped = lines.compactMap { $0["dropped"] as? Int }.reduce(0, +)
        let written = lines.count { $0["operation"] != nil }
        #expect(written >= 5)
        #expect(dropped > 0)
        #expect(written + dropped == 10_000)
    }

    @Test func `a socket that is flooded does not silence the others`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/audit"
        let audit = try AuditLog(.file(path), linesPerSecond: 5)
        for _ in 0..<10_000 { audit.record(record()) }
        // More sockets than are remembered, each with less than its rate.
        for number in 0..<3000 { audit.record(record(listener: "/run/\(number).sock")) }
        audit.close()
        let listeners = try lines(path).compactMap { $0["listener"] as? String }
        #expect(listeners.count { $0 != "/run/x.sock" } >= 1000)
        #expect(listeners.contains("/run/0.sock"))
    }

    @Test func `a file that was renamed is opened anew`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/audit"
        let audit = try AuditLog(.file(path))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        audit.reopen()
        audit.record(record())
        audit.close()
        #expect(try lines(path).count == 1)
        #expect(try lines(path + ".1").isEmpty)
    }

    @Test func `a reader that does not read holds nobody up`() throws {
        // A pipe that is full blocks its writer: here the thread of the audit, and nobody else.
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        let audit = try AuditLog(.file(path), linesPerSecond: 1_000_000)
        let count = 3 * AuditLog.maximumQueueCount
        for _ in 0..<count { audit.record(record()) }
        // The pipe takes 64 KiB; far more was recorded, and this line is reached.
        _ = Glibc.close(reader)
        // Without a reader the write ends with EPIPE.
        audit.close()
    }
}
