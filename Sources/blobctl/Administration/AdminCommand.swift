import ArgumentParser
import BlobCore

/// `blobctl admin`
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Manage the sockets of a running server.",
        discussion: """
            For launchers of sandboxes. --socket names a socket that has 'admin: true' in the \
            server's configuration; every other socket answers UNSUPPORTED_OPERATION.

            EXAMPLES
              blobctl admin listener list --socket /run/blobrpc/admin.sock
            """,
        subcommands: [AdminListenerCommand.self])
}

/// `blobctl admin listener`
struct AdminListenerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listener", abstract: "Add, remove and list sockets.",
        discussion: """
            EXAMPLES
              blobctl admin listener add job-17.yaml --socket /run/blobrpc/admin.sock
              blobctl admin listener list --socket /run/blobrpc/admin.sock
              blobctl admin listener remove /run/jobs/17/blobrpc.sock \\
                --socket /run/blobrpc/admin.sock
            """,
        subcommands: [
            ListenerAddCommand.self, ListenerRemoveCommand.self, ListenerListCommand.self,
        ])
}
