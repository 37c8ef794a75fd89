import Backends
import BlobCore
import LinuxIO
import TestKit

/// A local backend over a fresh root, with a pool of its own.
struct LocalFixture {
    let directory: TemporaryDirectory
    let pool: BlockingPool
    let store: LocalBackend

    init(
        in parent: String = "/tmp",
        _ configure: (inout LocalBackendConfiguration) -> Void = { _ in }
    ) throws {
        try self.init(directory: TemporaryDirectory(in: parent), configure)
    }

    /// A backend over a directory that is there already, as after a restart of the server.
    init(
        directory: TemporaryDirectory,
        _ configure: (inout LocalBackendConfiguration) -> Void = { _ in }
    ) throws {
        self.directory = directory
        pool = BlockingPool(name: "test-files", threadCount: 4)
        var configuration = LocalBackendConfiguration(roots: [directory.path], blockingPool: pool)
        // Syncing to a real disk would only make the tests slow.
        configuration.durability = .none
        configure(&configuration)
        store = try LocalBackend(configuration: configuration)
    }

    /// The blob at `path` below the root.
    func uri(_ path: String) -> BlobURI {
        BlobURI(scheme: .file, container: "", key: "\(directory.path)/\(path)")
    }

    /// What the staging area holds: session contents as `session/NAME`, uploads by name.
    var stagedNames: [String] {
        let area = ".blobrpc-staging"
        return directory.names(in: area).flatMap { name -> [String] in
            if name.hasPrefix("session-") {
                return directory.names(in: "\(area)/\(name)").filter { $0 != "owner" }
                    .map { "session/\($0)" }
            }
            return name == "lock" ? [] : [name]
        }
    }
}
