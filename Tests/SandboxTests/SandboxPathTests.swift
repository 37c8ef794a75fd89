import Foundation
import TestKit
import Testing

/// Keys that try to get out of what is granted, from inside of a sandbox: through the mount, and on
/// the local store without one.
@Suite(.timeLimit(.minutes(5))) struct SandboxPathTests {
    /// What follows the granted prefix; `job/2/input/data` below the store is the aim.
    private static let tricks: [(name: String, bytes: [UInt8])] = [
        ("dots", Array("../../2/input/data".utf8)), ("one dot", Array("./../../2/input/data".utf8)),
        ("dots at the end", Array("x/..".utf8)), ("slashes", Array("//../../2/input/data".utf8)),
        ("back and forth", Array("x/../../../2/input/data".utf8)),
        ("encoded dots", Array("%2e%2e/%2e%2e/2/input/data".utf8)),
        ("encoded slashes", Array("..%2f..%2f2%2finput%2fdata".utf8)),
        ("twice encoded", Array("%252e%252e/%252e%252e/2/input/data".utf8)),
        ("NUL", Array("data\0/../../2/input/data".utf8)), ("NUL at the end", Array("data\0".utf8)),
        ("encoded NUL", Array("data%00".utf8)),
        ("overlong dots", [0xC0, 0xAE, 0xC0, 0xAE] + Array("/2/input/data".utf8)),
        ("overlong slash", Array("..".utf8) + [0xC0, 0xAF] + Array("2/input/data".utf8)),
        ("a surrogate", [0xED, 0xA0, 0x80]), ("half a character", [0xE2, 0x82]),
        ("backslashes", Array("..\\..\\2\\input\\data".utf8)),
        ("wide dots", Array("．．/．．/2/input/data".utf8)),
        ("the process's links", Array("../../../../../../proc/self/root/etc/passwd".utf8)),
        ("an absolute path", Array("/etc/passwd".utf8)),
        ("a name beyond the longest", Array(repeating: UInt8(ascii: "a"), count: 300)),
    ]

    @Test(arguments: ["blob://job/1/both/", "file://STORE/job/1/both/"])
    func `W-91 no key leads out of what is granted`(prefix: String) async throws {
        let launcher = try await Launcher()
        let store = "\(launcher.directory.path)/store"
        let prefix = prefix.replacingOccurrences(of: "STORE", with: store)
        try await launcher.addSocket(1, more: [prefix])
        let before = launcher.storedNames()
        let sandbox = try launcher.startSandbox(1)
        _ = try await sandbox.ask("connect")
        #expect(try await sandbox.call("put", uri: prefix + "own", body: "own").status == "OK")
        #expect(try await sandbox.get(prefix + "own") == "own")
        let refusals = ["NOT_FOUND", "INVALID_URI", "INVALID_ARGUMENT", "PERMISSION_DENIED"]
        for (name, bytes) in Self.tricks {
            let uri = Array(prefix.utf8) + bytes
            for operation in ["get", "head"] {
                let answer = try await sandbox.call(operation, rawURI: uri)
                #expect(refusals.contains(answer.status), "\(name): \(answer)")
            }
            // A strange name may be a name; then it is one below the prefix.
            let put = try await sandbox.call("put", rawURI: uri, body: "mine")
            #expect((refusals + ["OK"]).contains(put.status), "\(name): \(put)")
            let copy = try await sandbox.call(
                "copy", rawURI: uri, fields: ["destinationURI": prefix + "copied"])
            #expect((refusals + ["OK"]).contains(copy.status), "\(name): \(copy)")
            if copy.status == "OK" { #expect(try await sandbox.get(prefix + "copied") == "mine") }
        }
        let made = launcher.storedNames().filter { !before.contains($0) }
        #expect(made.allSatisfy { $0 == "job/1/both" || $0.hasPrefix("job/1/both/") }, "\(made)")
        #expect(launcher.directory.text(of: "store/job/2/input/data") == "input of 2")
        // Nothing of it cost the connection.
        #expect(try await sandbox.get(prefix + "own") == "own")
        sandbox.end()
        await launcher.stop()
    }

    /// The host's own links are no way out either: whoever sets them is not the executor.
    @Test func `a link out of the store is no blob`() async throws {
        let launcher = try await Launcher()
        let input = "\(launcher.directory.path)/store/job/1/input"
        try FileManager.default.createSymbolicLink(
            atPath: "\(input)/away", withDestinationPath: "/etc/passwd")
        try FileManager.default.createSymbolicLink(
            atPath: "\(input)/process", withDestinationPath: "/proc/self/environ")
        try await launcher.addSocket(1)
        let sandbox = try launcher.startSandbox(1)
        _ = try await sandbox.ask("connect")
        for name in ["away", "process"] {
            #expect(try await sandbox.get("blob://job/1/input/\(name)") == nil)
        }
        sandbox.end()
        await launcher.stop()
    }
}
