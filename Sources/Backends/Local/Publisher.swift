internal import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

/// Gives a finished file its name in the tree: the moment a write becomes visible, whole (FS-02).
struct Publisher: Sendable {
    let durability: LocalDurability
    let directoryMode: UInt32

    /// How often a parent directory may be pruned away under a write before it gives up (FS-12).
    private static let maximumAttemptCount = 32

    /// Renames `name` in `directory` to `path` if `condition` holds; blocks.
    ///
    /// - Parameter intent: What a missing source means.
    /// - Returns: The status of the blob under its new name. Renaming changes the entity tag, so it
    ///   cannot be had earlier.
    func publish(
        _ descriptor: SharedDescriptor, named name: String, in directory: SharedDescriptor,
        at path: LocalPath, condition: WriteCondition, _ intent: FileIntent = .write
    ) throws(BlobError) -> FileStatus {
        let (parentPath, targetName) = path.split
        for _ in 0..<Self.maximumAttemptCount {
            let parent = try makeParent(parentPath, in: path.root)
            let outcome = try path.root.publishing.withLock { _ throws(BlobError) -> Int32 in
                try Self.checkTarget(targetName, in: parent, of: path, condition)
                return condition == .createOnly
                    ? cfile_rename_new(directory.rawValue, name, parent.rawValue, targetName)
                    : cfile_renameat(directory.rawValue, name, parent.rawValue, targetName)
            }
            // The parent was pruned between opening and using it. The source of the rename cannot be
            // what is missing, unless the upload it belongs to has just been given up.
            if outcome == -ENOENT {
                var status = FileStatus()
                try FileFailure.check(
                    cfile_lstatat(directory.rawValue, name, &status), "publishing", intent)
                continue
            }
            if outcome == -EEXIST { throw Self.alreadyExists }
            try FileFailure.check(outcome, "publishing", .write)
            if durability == .full { try sync(parent) }
            return try FileStatus.of(descriptor)
        }
        throw FileFailure.error(ENOENT, "publishing", .write)
    }

    /// Looks at what the write would replace: only blobs may be (FS-05, FS-11), and only under the
    /// caller's condition (W-73).
    private static func checkTarget(
        _ name: String, in parent: SharedDescriptor, of path: LocalPath,
        _ condition: WriteCondition
    ) throws(BlobError) {
        var status = FileStatus()
        let outcome = cfile_lstatat(parent.rawValue, name, &status)
        if outcome == 0 {
            if status.isDirectory { throw FileFailure.error(EISDIR, "publishing", .write) }
            guard status.isRegularFile || status.isSymbolicLink else {
                throw BlobError(.permissionDenied, FileFailure.notRegular, origin: .backend)
            }
        } else if outcome != -ENOENT {
            try FileFailure.check(outcome, "publishing", .write)
        }
        switch condition {
        case .overwrite: return
        case .createOnly: if outcome == 0 { throw alreadyExists }
        case .ifMatch(let etag):
            // Through a link it is the target's version that a reader was given.
            if outcome == 0 && status.isSymbolicLink {
                let target = path.withRelativePath {
                    cfile_head(
                        path.root.directory.rawValue, $0, path.root.resolution, &status, nil, nil)
                }
                guard target == 0 else { throw preconditionFailed }
            }
            guard outcome == 0, status.etag == etag else { throw preconditionFailed }
        }
    }

    /// Opens the directory a blob goes into and creates what is missing of it.
    private func makeParent(
        _ path: String, in root: LocalRoot
    ) throws(BlobError) -> SharedDescriptor {
        if path.isEmpty { return root.directory }
        var result = open(path, in: root)
        if result == -ENOENT {
            try makeDirectories(path, in: root)
            result = open(path, in: root)
        }
        // Pruned again already: the caller of publish tries once more.
        if result == -ENOENT { return try makeParentAgain(path, in: root) }
        return SharedDescriptor(
            owning: try FileFailure.check(result, "opening the directory", .write))
    }

    private func makeParentAgain(
        _ path: String, in root: LocalRoot
    ) throws(BlobError) -> SharedDescriptor {
        for _ in 0..<Self.maximumAttemptCount {
            try makeDirectories(path, in: root)
            let result = open(path, in: root)
            if result == -ENOENT { continue }
            return SharedDescriptor(
                owning: try FileFailure.check(result, "opening the directory", .write))
        }
        throw FileFailure.error(ENOENT, "creating the directory", .write)
    }

    private func open(_ path: String, in root: LocalRoot) -> Int32 {
        // Without O_PATH the directory could be synced but would have to be readable.
        let access = durability == .full ? O_RDONLY : cfile_path_only
        return cfile_open_beneath(
            root.directory.rawValue, path, access | O_DIRECTORY, 0, root.resolution)
    }

    private func makeDirectories(_ path: String, in root: LocalRoot) throws(BlobError) {
        var parent = root.directory
        var position = path.utf8.startIndex
        while position != path.utf8.endIndex {
            let slash = path.utf8[position...].firstIndex(of: UInt8(ascii: "/"))
            let end = slash ?? path.utf8.endIndex
            let prefix = String(path[..<end])
            var next = open(prefix, in: root)
            if next == -ENOENT {
                let made = cfile_mkdirat(
                    parent.rawValue, String(path[position..<end]), directoryMode)
                // Pruned between two components: the caller begins again.
                if made == -ENOENT { return }
                if made != -EEXIST {
                    try FileFailure.check(made, "creating the directory", .write)
                    if durability == .full { try sync(parent) }
                }
                next = open(prefix, in: root)
                if next == -ENOENT { return }
            }
            parent = SharedDescriptor(
                owning: try FileFailure.check(next, "opening the directory", .write))
            position = slash.map { path.utf8.index(after: $0) } ?? path.utf8.endIndex
        }
    }

    private func sync(_ directory: SharedDescriptor) throws(BlobError) {
        try FileFailure.check(
            cfile_fsync(directory.rawValue), "syncing the directory", .write)
    }

    private static var alreadyExists: BlobError {
        BlobError(
            .alreadyExists, "there is a blob already and the write was to create one",
            origin: .backend)
    }

    private static var preconditionFailed: BlobError {
        BlobError(
            .preconditionFailed, "the blob does not have the entity tag asked for; read it again",
            origin: .backend)
    }
}
