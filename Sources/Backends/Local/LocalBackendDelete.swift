public import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

extension LocalBackend {
    /// Removes the file, or the link when the name is a symbolic link; none is no error (W-74).
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        let path = try roots.locate(uri)
        let remover = Remover(configuration)
        return try await hops.run(on: uri) { () throws(BlobError) in
            try remover.remove(path)
        }
    }

    /// Removes up to 1000 files in one hop, each with an outcome of its own (W-75).
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        guard uris.count <= Self.maximumDeleteCount else {
            throw BlobError(.invalidArgument, "at most 1000 blobs can be deleted in one call")
        }
        guard let first = uris.first else { return [] }
        let remover = Remover(configuration)
        let roots = roots
        return try await hops.run(on: first) { () throws(BlobError) in
            uris.map { uri in
                do throws(BlobError) {
                    return .success(try remover.remove(try roots.locate(uri)))
                } catch {
                    return .failure(error.on(uri))
                }
            }
        }
    }

    private static let maximumDeleteCount = 1000
}

/// Removes blobs; blocks.
struct Remover: Sendable {
    private let durability: LocalDurability
    private let prunesEmptyDirectories: Bool

    init(_ configuration: LocalBackendConfiguration) {
        durability = configuration.durability
        prunesEmptyDirectories = configuration.prunesEmptyDirectories
    }

    func remove(_ path: LocalPath) throws(BlobError) -> DeleteResult {
        let (parentPath, name) = path.split
        let parent: SharedDescriptor
        do {
            let access = durability == .full ? O_RDONLY : cfile_path_only
            parent =
                parentPath.isEmpty
                ? path.root.directory
                : try path.root.open(
                    parentPath, access | O_DIRECTORY, "opening the directory", .read)
        } catch {
            if error.code == .notFound { return DeleteResult(existed: false) }
            throw error
        }
        var status = FileStatus()
        let found = cfile_lstatat(parent.rawValue, name, &status)
        if found == -ENOENT || (found == 0 && status.isDirectory) {
            return DeleteResult(existed: false)
        }
        try FileFailure.check(found, "deleting", .write)
        // FS-11: pipes and devices were not put here by us.
        guard status.isRegularFile || status.isSymbolicLink else {
            throw BlobError(.permissionDenied, FileFailure.notRegular, origin: .backend)
        }
        let outcome = path.root.publishing.withLock { _ in
            cfile_unlinkat(parent.rawValue, name, 0)
        }
        if outcome == -ENOENT || outcome == -EISDIR { return DeleteResult(existed: false) }
        try FileFailure.check(outcome, "deleting", .write)
        if durability == .full {
            try FileFailure.check(
                cfile_fsync(parent.rawValue), "syncing the directory", .write)
        }
        if prunesEmptyDirectories { prune(parentPath, in: path.root) }
        return DeleteResult(existed: true)
    }

    /// Removes directories from `path` upwards until one is not empty (FS-12). Whatever goes wrong,
    /// the blob is deleted: an empty directory more or less is no failure of the call.
    private func prune(_ path: String, in root: LocalRoot) {
        var rest = path[...]
        while !rest.isEmpty {
            let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/"))
            let parentPath = slash.map { rest[..<$0] } ?? ""
            let name = slash.map { rest[rest.utf8.index(after: $0)...] } ?? rest
            guard
                let parent = try? root.open(
                    String(parentPath), cfile_path_only | O_DIRECTORY, "pruning", .read),
                cfile_unlinkat(parent.rawValue, String(name), AT_REMOVEDIR) == 0
            else { return }
            rest = parentPath
        }
    }
}
