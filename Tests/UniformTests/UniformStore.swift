import Backends
import BlobCore
import CloudBackends
import Foundation
import LinuxIO
import TestKit
import Testing

/// One of the stores that the contract is the same on: all that a test has to know of it.
struct UniformStore: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scheme: BlobURI.Scheme
    /// Finds a place that no other test uses, and starts what serves it if nobody has.
    let open: @Sendable (TemporaryDirectory) async throws -> UniformPlace

    /// Every store of this build.
    static let all: [UniformStore] = [.local, .s3(.seaweedfs), .s3(.ministack), .gcs, .azure]
    /// One of each scheme.
    static let each: [UniformStore] = [.local, .s3(.seaweedfs), .gcs, .azure]
}

/// A place in one of the stores.
struct UniformPlace: Sendable {
    /// What every blob of the test begins with, without a slash at its end.
    var base: BlobURI
    /// What plain HTTP has to trust; nil without TLS.
    var certificateFile: String?
    var differences = UniformContext.Differences()
    /// How many uploads are neither completed nor given up, as the service's own client sees it.
    var openUploadCount: @Sendable () async throws -> Int = { 0 }
    /// The section of `blobrpcd`'s configuration file, if the store needs one.
    var section: [String] = []
    /// The store in this process.
    var makeBackend: @Sendable (BlockingPool) throws -> UniformBackend

    var uploader: PartUploader { PartUploader(certificateFile: certificateFile) }
}

/// A store and what ends it.
struct UniformBackend: Sendable {
    var store: any BlobStore
    var close: @Sendable () async -> Void = {}
}

extension UniformStore {
    static let local = UniformStore(testDescription: "file", scheme: .file) { directory in
        let root = UniformDaemon.rootPath(directory)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        return UniformPlace(
            base: BlobURI(scheme: .file, container: "", key: "\(root)/\(UUID().uuidString)")
        ) { pool in
            var configuration = LocalBackendConfiguration(roots: [root], blockingPool: pool)
            configuration.durability = .none
            return UniformBackend(store: try LocalBackend(configuration: configuration))
        }
    }

    static func s3(_ kind: S3TestServer.Kind) -> UniformStore {
        UniformStore(testDescription: "s3 (\(kind.rawValue))", scheme: .s3) { directory in
            let service = try await S3TestServer.shared(kind)
            let description = service.description
            let prefix = service.freshPrefix()
            return UniformPlace(
                base: BlobURI(scheme: .s3, container: description.bucket, key: prefix),
                // ministack lets small parts through.
                differences: .init(refusesSmallParts: kind != .ministack),
                openUploadCount: { try await service.uploads(prefix: prefix).count },
                section: [
                    "s3:", "  endpoint: \(description.endpoint)", "  region: \(description.region)",
                    "  accessKeyID: \"\(description.accessKeyID)\"",
                    "  secretAccessKey: \"\(description.secretAccessKey)\"",
                    "  partBytes: \(5 << 20)", "  journalDirectory: \(directory.path)/journal",
                ]
            ) { pool in
                var configuration = S3Configuration(of: service)
                configuration.partByteCount = 5 << 20
                let backend = try S3Backend(configuration: configuration, blockingPool: pool)
                return UniformBackend(store: backend) { await backend.close() }
            }
        }
    }

    /// Over TLS, as Google has it: signed URLs are for its own host.
    static let gcs = UniformStore(testDescription: "gs", scheme: .gs) { directory in
        let service = try await CloudTestServer.shared(.gcs)
        let description = service.description
        let google = try #require(description.google)
        let file: String = try #require(google.admin.files["serviceAccount"])
        let prefix = service.freshPrefix()
        return UniformPlace(
            base: BlobURI(scheme: .gs, container: description.bucket, key: prefix),
            certificateFile: description.certificateAuthorityFile,
            openUploadCount: { try await service.uploads(prefix: prefix).count },
            section: [
                "gcs:", "  endpoint: \(description.tlsEndpoint)",
                "  iamEndpoint: \(google.iamEndpoint)", "  credentialsFile: \(file)",
                "  certificateFile: \(description.certificateAuthorityFile)",
                "  partBytes: \(5 << 20)", "  journalDirectory: \(directory.path)/journal",
            ]
        ) { pool in
            var configuration = GCSConfiguration()
            configuration.endpoint = description.tlsEndpoint
            configuration.iamEndpoint = google.iamEndpoint
            configuration.identity = .applicationDefault(file: file)
            configuration.certificateFile = description.certificateAuthorityFile
            configuration.partByteCount = 5 << 20
            let backend = try GCSBackend(configuration: configuration, blockingPool: pool)
            return UniformBackend(store: backend) { await backend.close() }
        }
    }

    /// Over TLS, as Azure has it: shared access signatures are for that alone.
    static let azure = UniformStore(testDescription: "az", scheme: .az) { _ in
        let service = try await CloudTestServer.shared(.azure)
        let description = service.description
        let azure = try #require(description.azure)
        return UniformPlace(
            base: BlobURI(
                scheme: .az, container: description.bucket, key: service.freshPrefix()),
            certificateFile: description.certificateAuthorityFile,
            // A signature is for the blob, and the service knows no uploads.
            differences: .init(endsURLs: false),
            section: [
                "azure:", "  endpoint: \(description.tlsEndpoint)",
                "  accountKey: \"\(azure.accountKey)\"",
                "  certificateFile: \(description.certificateAuthorityFile)",
                "  partBytes: \(5 << 20)",
            ]
        ) { pool in
            var configuration = AzureConfiguration()
            configuration.endpoint = description.tlsEndpoint
            configuration.identity = .accountKey(azure.accountKey)
            configuration.certificateFile = description.certificateAuthorityFile
            configuration.partByteCount = 5 << 20
            let backend = try AzureBackend(configuration: configuration, blockingPool: pool)
            return UniformBackend(store: backend) { await backend.close() }
        }
    }
}
