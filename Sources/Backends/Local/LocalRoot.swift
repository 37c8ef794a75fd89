internal import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

/// One directory that is served, held open so that renaming it changes nothing.
final class LocalRoot: Sendable {
    /// The absolute path without a trailing slash; empty for `/`.
    let path: String
    let pathBytes: [UInt8]
    let directory: SharedDescriptor
    /// How paths are resolved on the pool.
    let resolution: Int32
    /// How they are resolved on the caller's thread; nil when that is not possible or not wanted.
    let cachedResolution: Int32?
    /// Where writes are prepared; a root that cannot be written to has none.
    let staging: StagingArea?
    /// Why there is none.
    private let stagingFailure: BlobError?

    /// Held while a condition is checked and the blob published or deleted, so that within this
    /// process the two are one step. Renames into the tree are serialised by the kernel anyway.
    let publishing = Mutex<Void>(())

    /// Opens the root and removes what dead processes left in its staging directory.
    init(path: String, configuration: LocalBackendConfiguration) throws(BlobError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw BlobError(.invalidArgument, "the root '\(path)' is not an absolute path")
        }
        var path = path[...]
        while path.utf8.last == UInt8(ascii: "/") { path = path.dropLast() }
        self.path = String(path)
        pathBytes = Array(path.utf8)
        let descriptor = cfile_open(path.isEmpty ? "/" : self.path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else {
            var error = FileFailure.error(-descriptor, "opening the directory", .read)
            error.message = "cannot open the root '\(path)'; create it first. \(error.message)"
            throw error
        }
        directory = SharedDescriptor(owning: descriptor)
        let walksComponents =
            configuration.forcesComponentWalk || cfile_has_openat2(descriptor) == 0
        resolution = Int32(
            (walksComponents ? CFILE_COMPONENTS : CFILE_BENEATH).rawValue)
        cachedResolution =
            walksComponents || !configuration.usesCachedFastPath
            ? nil : Int32(CFILE_BENEATH_CACHED.rawValue)
        do {
            staging = try StagingArea(
                root: directory, fileMode: configuration.fileMode,
                uploadExpiry: configuration.uploadExpiry)
            stagingFailure = nil
        } catch {
            // A root on a read-only file system can still be read from.
            staging = nil
            stagingFailure = error
        }
    }

    /// Where writes are prepared.
    func writableStaging() throws(BlobError) -> StagingArea {
        if let staging { return staging }
        throw stagingFailure ?? BlobError(.readOnly, "the root cannot be written to")
    }

    /// Whether content types and user metadata can be stored.
    var keepsAttributes: Bool { staging?.keepsAttributes ?? true }

    /// Opens a path below the root; may block.
    func open(
        _ relativePath: String, _ flags: Int32, _ operation: StaticString, _ intent: FileIntent
    ) throws(BlobError) -> SharedDescriptor {
        let descriptor = cfile_open_beneath(
            directory.rawValue, relativePath, flags, 0, resolution)
        return SharedDescriptor(owning: try FileFailure.check(descriptor, operation, intent))
    }
}
