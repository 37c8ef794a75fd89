import BlobCore
import BlobRPCClient
import Foundation
import Glibc
import TestKit
import Testing

/// An executor under bubblewrap, and a launcher that gives it a socket and takes it away.
@Suite(.timeLimit(.minutes(5))) struct SandboxTests {
    @Test func `it sees its socket and nothing else of the host`() async throws {
        let launcher = try await Launcher()
        try await launcher.addSocket(1)
        try await launcher.addSocket(2)
        let listener = try LoopbackListener()
        let sandbox = try launcher.startSandbox(1)
        let paths = [
            launcher.directory.path, "\(launcher.directory.path)/store", "/etc/passwd",
            launcher.socketPath(2), "\(launcher.directory.path)/admin/admin.sock", "/root", "/home",
        ]
        let look = try await sandbox.ask(
            "look", ["port": listener.port, "paths": paths + ["/run/blobrpc/blobrpc.sock"]]
        ).value
        #expect(look["user"] as? Int == Sandbox.userID)
        #expect(look["existing"] as? [String] == ["/run/blobrpc/blobrpc.sock"])
        #expect(look["sockets"] as? [String] == ["blobrpc.sock", "blobrpc.sock.lock"])
        #expect(look["interfaces"] as? [String] == ["lo"])
        #expect(look["loopback"] as? Bool == false)
        // bubblewrap and the executor.
        #expect((look["processes"] as? [Int])?.count == 2)
        #expect(
            look["root"] as? [String]
                == ["bin", "dev", "lib", "lib64", "proc", "program", "run", "tmp", "usr"])
        sandbox.end()
        await launcher.stop()
    }

    @Test func `it reads its input, writes its output, and knows of nobody else`() async throws {
        let launcher = try await Launcher()
        try await launcher.addSocket(1)
        let neighbour = try await BlobClient.connect(path: try await launcher.addSocket(2))
        let sandbox = try launcher.startSandbox(1)
        let hello = try await sandbox.ask("connect")
        // Only what is granted, info and capabilities: no deletion, no signing, no sockets.
        #expect(
            hello.value["operations"] as? [Int] == [1, 2, 3, 6, 7, 10, 11, 13, 14, 15, 16, 17])
        #expect(try await sandbox.get("blob://job/1/input/data") == "input of 1")
        let put = try await sandbox.call("put", uri: "blob://job/1/output/result", body: "done")
        #expect(put.status == "OK")
        #expect(launcher.directory.text(of: "store/job/1/output/result") == "done")
        // The neighbour is there, for itself.
        let theirs = try await neighbour.get(try BlobURI(parsing: "blob://job/2/input/data"))
        #expect(theirs == Bytes(utf8: "input of 2"))

        // What is there and what is not there, elsewhere: one answer, except for the name asked for.
        let missing = try await sandbox.call("get", uri: "blob://job/1/input/missing").error
        #expect(missing["status"] as? String == "NOT_FOUND")
        let store = "file://\(launcher.directory.path)/store"
        for uri in [
            "blob://job/2/input/data", "blob://job/2/input/missing", "blob://job/1/output/result",
            "blob://job/1/inputs", "blob://other/job/2/input/data", "blob://nowhere/x",
            "\(store)/job/1/input/data", "\(store)/job/2/input/data", "file:///etc/passwd",
            "s3://bucket/key", "gs://bucket/key",
        ] {
            for operation in ["get", "head"] {
                var error = try await sandbox.call(operation, uri: uri).error
                #expect(error["uri"] as? String == uri)
                error["uri"] = missing["uri"]
                #expect(
                    NSDictionary(dictionary: error) == NSDictionary(dictionary: missing), "\(uri)")
            }
            let put = try await sandbox.call("put", uri: uri, body: "mine")
            let isOwn = uri == "blob://job/1/output/result"
            #expect(put.status == (isOwn ? "OK" : "PERMISSION_DENIED"), "\(uri)")
        }
        #expect(
            launcher.storedNames().filter { $0.hasPrefix("job/2") }
                == ["job/2", "job/2/input", "job/2/input/data"])
        sandbox.end()
        await neighbour.close()
        await launcher.stop()
    }

    @Test func `it gets no list of others, no signed URL and no counters`() async throws {
        let launcher = try await Launcher()
        try await launcher.addSocket(1)
        try await launcher.addSocket(2)
        let sandbox = try launcher.startSandbox(1)
        _ = try await sandbox.ask("connect")
        let own = try await sandbox.ask("list", ["uri": "blob://job/1/input/"])
        #expect(own.value["uris"] as? [String] == ["blob://job/1/input/data"])
        for prefix in ["blob://job/", "blob://job/2/", "blob://job/2/input/d", "blob://other/"] {
            let listing = try await sandbox.ask("list", ["uri": prefix])
            let uris = listing.value["uris"] as? [String] ?? []
            #expect(uris.allSatisfy { $0.hasPrefix("blob://job/1/input/") }, "\(prefix): \(uris)")
        }
        for operation in ["presignGet", "presignPut", "presignHead", "presignDelete"] {
            let answer = try await sandbox.call(
                operation, uri: "blob://job/1/input/data", fields: ["validSeconds": 60])
            #expect(answer.status == "PERMISSION_DENIED")
        }
        for number in 64...66 {
            #expect(try await sandbox.call(number).status == "UNSUPPORTED_OPERATION")
        }
        let info = try await sandbox.call("info").value["fields"] as? [String: Any] ?? [:]
        #expect(info["mount"] as? [String] == ["job"])
        #expect(info["scheme"] as? [String] == ["blob"])
        #expect(info["counter"] == nil)
        sandbox.end()
        await launcher.stop()
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `it goes on when the server was started anew`(signal: Int32) async throws {
        let launcher = try await Launcher()
        try await launcher.addSocket(1)
        let sandbox = try launcher.startSandbox(1)
        _ = try await sandbox.ask("connect")
        #expect(try await sandbox.get("blob://job/1/input/data") == "input of 1")
        try await launcher.restart(signal)
        #expect(try await sandbox.get("blob://job/1/input/data") == nil)
        #expect(try await sandbox.ask("connect").status != "OK")
        try await launcher.addSocket(1)
        // Another socket file in the directory that is mounted.
        #expect(try await sandbox.ask("connect").status == "OK")
        #expect(try await sandbox.get("blob://job/1/input/data") == "input of 1")
        sandbox.end()
        await launcher.stop()
    }

    @Test func `it can do nothing any more once its socket is revoked`() async throws {
        let launcher = try await Launcher()
        let path = try await launcher.addSocket(1)
        let sandbox = try launcher.startSandbox(1)
        _ = try await sandbox.ask("connect")
        let upload = try await sandbox.call(
            "createMultipartUpload", uri: "blob://job/1/output/parts")
        let fields = upload.value["fields"] as? [String: Any] ?? [:]
        let open = try await launcher.client.removeListener(at: path)
        #expect(open.map(\.upload.uploadID) == [fields["uploadID"] as? String])
        #expect(open.allSatisfy { $0.isAborted })
        #expect(try await sandbox.get("blob://job/1/input/data") == nil)
        #expect(try await sandbox.ask("connect").status == "FileNotFoundError")
        let look = try await sandbox.ask("look", ["port": 1, "paths": [String]()]).value
        #expect(look["sockets"] as? [String] == [])
        sandbox.end()
        await launcher.stop()
    }
}

/// Something on this machine's loopback that a sandbox without network cannot reach.
private final class LoopbackListener {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, byteCount) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, address, &byteCount) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        try #require(outcome)
    }

    deinit { close(descriptor) }
}
