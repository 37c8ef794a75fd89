import BlobCore
import LinuxIO

@testable import Backends
@testable import CloudBackends

/// The parts of a backend that nobody has to answer for.
struct GCSUnits {
    let pool = BlockingPool(name: "gcs-units", threadCount: 1)

    func backend(
        variables: [String: String] = [:], configure: (inout GCSConfiguration) -> Void = { _ in }
    ) throws -> GCSBackend {
        var configuration = GCSConfiguration()
        configuration.endpoint = "http://127.0.0.1:1"
        configuration.identity = .anonymous
        configure(&configuration)
        return try GCSBackend(
            configuration: configuration, blockingPool: pool,
            environment: CredentialEnvironment(
                variables: variables, homeDirectory: "/nonexistent"),
            engineSettings: HTTPEngineSettings(), policy: GCSFixture.policy)
    }

    func dialect() throws -> GCSDialect { try backend().dialect }

    func end() { pool.shutdown() }
}
