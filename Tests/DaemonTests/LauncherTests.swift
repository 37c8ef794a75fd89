import BlobCore
import BlobRPCClient
import Foundation
import TestKit
import Testing

/// blobrpcd and the launchers that add sockets to it.
@Suite(.timeLimit(.minutes(3))) struct LauncherTests {
    private func refusal(
        _ text: String, _ launcher: BlobClient
    ) async -> BlobError? {
        do {
            try await launcher.addListener(text: text)
            return nil
        } catch {
            return error
        }
    }

    @Test func `W-101 the text of a specification is understood, every key of it`() async throws {
        let daemon = try await AdminDaemon()
        let launcher = try await daemon.connect()
        var socket = ListenerSpecification(path: daemon.path("job \"1\" ü/socket"))
        socket.mode = 0o666
        socket.grant(.reading, on: try BlobURI(parsingPrefix: "blob://job/1/input/"))
        socket.grant(.writing, on: try BlobURI(parsingPrefix: "blob://job/1/out \"ü\\/"))
        socket.grants?.append(
            .init(
                prefix: try BlobURI(parsingPrefix: "blob://job/1/urls/"),
                operations: ["presignGet", "list"]))
        socket.signing = .init(maximumSeconds: 60, methods: ["GET"])
        socket.maximumBlobByteCount = 1 << 20
        socket.maximumCallSeconds = 30
        socket.maximumConnectionCount = 3
        socket.maximumConcurrentCallCount = 5
        socket.maximumCallCount = 7
        socket.callRate = .init(perSecond: 1000, burst: 2000)
        socket.byteRate = .init(perSecond: 1 << 20)
        socket.memoryByteCount = 16 << 20
        socket.maximumUploadCount = 2
        socket.userIDs = [geteuid()]
        socket.groupIDs = []
        socket.abortsUploads = false
        socket.isReadOnly = true
        let path = try await launcher.addListener(socket)
        #expect(path == socket.path)
        let client = try await BlobClient.connect(path: path)
        let write = try BlobURI(parsing: "blob://job/1/out \"ü\\/x")
        let refused = await #expect(throws: BlobError.self) {
            try await client.put(write, Bytes([1]))
        }
        #expect(refused?.code == .readOnly)
        let status = try await launcher.listListeners().first { $0.path == path }
        #expect(status?.policy.contains("reads only; blob://job/1/input/: get head list") == true)
        #expect(try daemon.permissions(path) == 0o666)
        await client.close()
        try await daemon.stop(launcher)
        // What was added ends with the server.
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `W-102 a text that is wrong is refused with the name of the key`() async throws {
        let daemon = try await AdminDaemon()
        let launcher = try await daemon.connect()
        let path = daemon.path("job")
        let wrong = [
            ("path: \(path)\nreadonly: true", "readonly"),
            ("path: \(path)\npolicy:\n  trsut: untrusted", "trsut"),
            ("path: \(path)\npolicy:\n  grants:\n  - prefx: blob://job/", "prefx"),
            ("path: \(path)\npolicy:\n  trust: untrusted", "grants"),
            ("path: \(path)\npolicy:\n  mounts: [nowhere]", "mounts"),
            ("path: \(path)\nmode: \"0999\"", "mode"), ("path: \(path)\nadmin: true", "admin"),
            ("path: \(path)\nadmin: false", "admin"), ("path: \(path)\nname: job", "name"),
            ("path: relative", "path"), ("mode: \"0600\"", "path"), ("", "map"), ("- path", "map"),
            ("path: [", "listener"),
            ("path: \(path)\nmaximumConnections: many", "maximumConnections"),
        ]
        for (text, key) in wrong {
            let refusal = await refusal(text, launcher)
            #expect(refusal?.code == .invalidArgument, "\(text)")
            #expect(refusal?.message.contains(key) == true, "\(text): \(refusal?.message ?? "")")
        }
        #expect(try await launcher.listListeners().count == 2)
        try await daemon.stop(launcher)
    }

    @Test func `W-100 an ordinary socket of the file refuses`() async throws {
        let daemon = try await AdminDaemon()
        let client = try await BlobClient.connect(path: daemon.path("plain.sock"))
        let refusal = await refusal("path: \(daemon.path("job"))", client)
        #expect(refusal?.code == .unsupportedOperation)
        await client.close()
        try await daemon.stop()
    }

    @Test func `W-100 admin is 0600 and grants nothing else`() async throws {
        let daemon = try await AdminDaemon()
        #expect(try daemon.permissions(daemon.adminPath) == 0o600)
        let launcher = try await daemon.connect()
        let refused = await #expect(throws: BlobError.self) {
            try await launcher.get(try BlobURI(parsing: "blob://job/x"))
        }
        #expect(refused?.code == .permissionDenied)
        try await daemon.stop(launcher)
        // Others could open it: the server does not start.
        await #expect(throws: ServerProcessError.self) {
            try await AdminDaemon(adminKeys: "mode: \"0660\"")
        }
    }

    @Test func `SIGHUP leaves what was added, and nobody becomes a launcher by it`() async throws {
        let daemon = try await AdminDaemon()
        let launcher = try await daemon.connect()
        let path = try await launcher.addListener(text: "path: \(daemon.path("job"))")
        let client = try await BlobClient.connect(path: path)
        // Refused as a whole: the socket that comes with it does not come.
        try daemon.write(plainKeys: "admin: true", more: ["early.sock"])
        daemon.server.kill(SIGHUP)
        try await daemon.logged("nothing was changed")
        #expect(!FileManager.default.fileExists(atPath: daemon.path("early.sock")))
        try daemon.write(more: ["late.sock"])
        daemon.server.kill(SIGHUP)
        let late = try await BlobClient.connect(path: daemon.path("late.sock"))
        #expect(
            try await launcher.listListeners().map(\.path)
                == [daemon.adminPath, path, daemon.path("late.sock"), daemon.path("plain.sock")])
        // The connection is the same, too.
        #expect(try await client.serverInfo().serverName.hasPrefix("blobrpcd/"))
        await client.close()
        await late.close()
        try await daemon.stop(launcher)
    }

    @Test func `blobctl adds, lists and removes`() async throws {
        let daemon = try await AdminDaemon()
        let path = daemon.path("job.sock")
        try daemon.directory.write(
            "path: \(path)\npolicy: {trust: untrusted, mounts: [job]}", to: "job.yaml")
        let add = ["add", daemon.path("job.yaml"), "--lease", "3600"]
        let added = try await daemon.blobctl(add)
        #expect(added.status == 0 && String(decoding: added.output, as: UTF8.self) == path + "\n")
        // The same text again renews the lease; without one it is a conflict.
        #expect(try await daemon.blobctl(add).status == 0)
        #expect(try await daemon.blobctl(["add", daemon.path("job.yaml")]).status == 4)
        let client = try await BlobClient.connect(path: path)
        let upload = try await client.createMultipartUpload(
            try BlobURI(parsing: "blob://job/disk"), options: MultipartOptions())
        await client.close()
        let list = try await daemon.blobctl(["list", "--json"])
        #expect(String(decoding: list.output, as: UTF8.self).contains(#""path":"\#(path)""#))
        let removed = try await daemon.blobctl(["remove", path, "--json"])
        #expect(removed.status == 0)
        #expect(
            String(decoding: removed.output, as: UTF8.self)
                == #"{"path":"\#(path)","uploads":[{"uri":"blob://job/disk","upload_id":""#
                + #"\#(upload.uploadID)","aborted":true,"failure":null}]}"# + "\n")
        #expect(try await daemon.blobctl(["remove", path]).status == 3)
        #expect(try await daemon.blobctl(["remove", daemon.adminPath]).status == 5)
        try daemon.directory.write("path: \(path)\nmdoe: x", to: "job.yaml")
        let wrong = try await daemon.blobctl(add)
        #expect(wrong.status == 2 && wrong.complaint.contains("mdoe"))
        try await daemon.stop()
    }
}
