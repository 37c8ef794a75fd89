import ArgumentParser

/// Measures the Swift client against a running server. Prints one `name value` a line, which
/// `Benchmarks/run.sh` collects.
@main
struct BlobBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blobbench",
        abstract: "One sample of one benchmark; Benchmarks/run.sh runs them all.",
        subcommands: [
            Latency.self, Calls.self, Get.self, Put.self, Mixed.self, GetMany.self, PutMany.self,
            Presign.self, Sign.self, GCSSign.self, AzureSign.self,
            Launch.self,
        ])
}
