import BlobCore
import LinuxIO

#if S3
    import CloudBackends
#endif

/// Which cloud services are served, as far as this build has them.
struct CloudSettings {
    /// What their stores are, and how to end them.
    struct Stores {
        var backends: [BlobURI.Scheme: any BlobStore] = [:]
        var close: @Sendable () async -> Void = {}
    }

    #if S3
        private let s3: S3Configuration?

        /// S3 is served when the file has a section for it, even an empty one, or a flag asks for it.
        init(_ arguments: Daemon, _ file: ConfigurationFile) throws(BlobError) {
            guard arguments.s3 || arguments.s3Endpoint != nil || file.s3 != nil else {
                s3 = nil
                return
            }
            var section = file.s3 ?? S3Section()
            if let endpoint = arguments.s3Endpoint { section.endpoint = endpoint }
            if let directory = section.journalDirectory {
                section.journalDirectory = try Settings.absolute(directory)
            }
            s3 = try section.configuration(
                journalDirectory: DefaultPaths.stateDirectory() + "/s3-uploads")
        }

        var schemes: [String] { s3 == nil ? [] : ["s3"] }

        /// Directories that have to be there, for the server's eyes only.
        var directories: [String] { s3?.journalDirectory.map { [$0] } ?? [] }

        /// What is served, a line each.
        var descriptions: [String] { s3.map { ["s3:// at \($0.endpoint ?? "AWS")"] } ?? [] }

        func open(pool: BlockingPool) throws(BlobError) -> Stores {
            guard let s3 else { return Stores() }
            let backend = try S3Backend(configuration: s3, blockingPool: pool)
            return Stores(backends: [.s3: backend]) { await backend.close() }
        }
    #else
        init(_ arguments: Daemon, _ file: ConfigurationFile) throws(BlobError) {
            guard !arguments.s3, arguments.s3Endpoint == nil, file.s3 == nil else {
                throw BlobError.unsupportedBackend(scheme: "s3")
            }
        }

        var schemes: [String] { [] }
        var directories: [String] { [] }
        var descriptions: [String] { [] }

        func open(pool: BlockingPool) throws(BlobError) -> Stores { Stores() }
    #endif
}
