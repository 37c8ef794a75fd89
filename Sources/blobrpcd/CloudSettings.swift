import BlobCore
import LinuxIO

/// What one cloud service is served with. Each has a struct of its own, in a file of its own.
protocol CloudServiceSettings: Sendable {
    /// Of the URIs that it serves.
    var scheme: BlobURI.Scheme { get }

    /// Where it notes uploads under way; has to be there, for the server's eyes only.
    var journalDirectory: String? { get }

    /// What is served, on one line.
    var description: String { get }

    func open(pool: BlockingPool) throws(BlobError) -> CloudServiceStore
}

/// A service's blobs, and what ends them.
struct CloudServiceStore: Sendable {
    let store: any BlobStore
    let close: @Sendable () async -> Void
}

/// Which cloud services are served, as far as this build has them.
struct CloudSettings {
    /// What their stores are, and how to end them.
    struct Stores: Sendable {
        var backends: [BlobURI.Scheme: any BlobStore] = [:]
        fileprivate var closings: [@Sendable () async -> Void] = []

        func close() async {
            for close in closings { await close() }
        }
    }

    private let services: [any CloudServiceSettings]

    /// A service is served when the file has a section for it, even an empty one, or a flag asks for
    /// it.
    init(_ arguments: Daemon, _ file: ConfigurationFile) throws(BlobError) {
        services = [
            try Self.s3(arguments.s3, file.s3),
            try Self.gcs(arguments.gcs, file.gcs),
            try Self.azure(arguments.azure, file.azure),
        ].compactMap { $0 }
    }

    var schemes: [String] { services.map(\.scheme.rawValue) }

    /// Directories that have to be there, for the server's eyes only.
    var directories: [String] { services.compactMap(\.journalDirectory) }

    /// What is served, a line each.
    var descriptions: [String] { services.map(\.description) }

    func open(pool: BlockingPool) throws(BlobError) -> Stores {
        var stores = Stores()
        for service in services {
            let opened = try service.open(pool: pool)
            stores.backends[service.scheme] = opened.store
            stores.closings.append(opened.close)
        }
        return stores
    }
}
