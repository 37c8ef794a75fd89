import ArgumentParser
import BlobCore
import Testing

@testable import blobctl

/// `blobctl admin listener`
@Suite struct AdminCommandTests {
    @Test func addSendsTheFileAsItIs() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("job.yaml", Array("path: /run/job.sock".utf8))
        let harness = Harness()
        try await harness.run("admin", "listener", "add", file)
        try await harness.run("admin", "listener", "add", file, "--lease", "60", "--json")
        #expect(
            harness.output.text
                == "/run/job.sock for ever\n" + #"{"path":"/run/job.sock for 60"}"# + "\n")
    }

    @Test func addRefusesWhatIsNoListener() async throws {
        let directory = try TemporaryDirectory()
        let harness = Harness()
        let wrong = try directory.write("wrong", Array("pth".utf8))
        let bytes = try directory.write("bytes", [0x70, 0xFF])
        let long = try directory.write("long", Array(repeating: 0x70, count: 65_536))
        for (file, expected) in [
            (wrong, CommandStatus.usage), (bytes, .usage), (long, .failure),
            ("\(directory.path)/missing", .failure),
        ] {
            let status = await harness.status {
                try await harness.run("admin", "listener", "add", file)
            }
            #expect(status == expected, "\(file)")
        }
        #expect(throws: (any Error).self) {
            try Blobctl.parseAsRoot(["admin", "listener", "add", "x", "--lease", "0"])
        }
    }

    @Test func removeTellsOfUploads() async throws {
        let harness = Harness()
        try await harness.run("admin", "listener", "remove", "/run/job.sock")
        #expect(
            harness.output.text
                == "aborted  one  blob://job/disk\nopen     two  blob://job/disk\n")
        let missing = await harness.status {
            try await harness.run("admin", "listener", "remove", "/run/other.sock")
        }
        #expect(missing == .notFound)
        let json = Harness()
        try await json.run("admin", "listener", "remove", "/run/job.sock", "--json")
        #expect(
            json.output.text
                == #"{"path":"/run/job.sock","uploads":[{"uri":"blob://job/disk","upload_id":"one","#
                + #""aborted":true,"failure":null},{"uri":"blob://job/disk","upload_id":"two","#
                + #""aborted":false,"failure":"the store is away"}]}"# + "\n")
    }

    @Test func listHasALineForEach() async throws {
        let harness = Harness()
        try await harness.run("admin", "listener", "list")
        #expect(
            harness.output.text == """
                    1          file  /run/admin.sock  sockets
                    2    added 30 s  /run/job.sock  reads only

                """)
        let json = Harness()
        try await json.run("admin", "listener", "list", "--json")
        #expect(
            json.output.text.hasSuffix(
                #"{"path":"/run/job.sock","connections":2,"policy":"reads only","added":true,"#
                    + #""lease_seconds":30,"ends_with_caller":true}"# + "\n"))
    }
}
