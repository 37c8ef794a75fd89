import ArgumentParser
import BlobCore
import BlobRPCClient

/// Where the code that makes the calls runs.
enum ExecutorChoice: String, ExpressibleByArgument, CaseIterable {
    /// On the client's own thread: a call needs no change of thread.
    case client
    /// On the global pool, as in a program that does not care.
    case global
}

/// The options of every subcommand.
struct Connection: ParsableArguments {
    @Option(help: "The server's socket.")
    var socket: String

    @Option(help: "Where the calling code runs.")
    var executor: ExecutorChoice = .client

    func open() async throws -> BlobClient {
        try await BlobClient.connect(path: socket)
    }

    /// Runs `body` where `--executor` says; never on the main thread, whose run loop would add its
    /// own cost to every call.
    @concurrent
    func measure<Value: Sendable>(
        with client: BlobClient, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        switch executor {
        case .client: try await withTaskExecutorPreference(client.executor, operation: body)
        case .global: try await body()
        }
    }
}

/// A blob's URI as an option.
struct URIArgument: ExpressibleByArgument, Sendable {
    let uri: BlobURI

    init?(argument: String) {
        guard let uri = try? BlobURI(parsing: argument) else { return nil }
        self.uri = uri
    }
}
