internal import Backends
internal import BlobCore
internal import CFileShims
internal import Glibc

/// Notes on disk of the uploads that are under way, so that the next process can give up what a
/// killed one left.
///
/// Every process has a directory of its own below the configured one, with a file for each upload. It
/// owns it by a lock on the file `owner`, which the kernel drops however the process ends: whoever
/// can take the lock knows that nobody works on those uploads any more.
final class UploadJournal: Sendable {
    /// An upload that may have been left half-open.
    struct Note: Sendable, Equatable {
        var uri: BlobURI
        /// The service's own name for it.
        var uploadID: String
    }

    /// A note on disk; `end` removes it.
    final class Entry: Sendable {
        private let session: SharedDescriptor
        private let name: String

        fileprivate init(_ session: SharedDescriptor, _ name: String) {
            self.session = session
            self.name = name
        }

        /// The upload was completed or given up. A name that is gone already is as good.
        func end() { cfile_unlinkat(session.rawValue, name, 0) }
    }

    /// What a dead process left; its lock is held as long as this is.
    struct Abandoned: Sendable {
        fileprivate let name: String
        fileprivate let session: SharedDescriptor
        fileprivate let owner: SharedDescriptor
        var entries: [(note: Note, entry: Entry)]
    }

    private let directory: SharedDescriptor
    private let session: SharedDescriptor
    private let owner: SharedDescriptor
    private let sessionName: String
    private let scheme: BlobURI.Scheme
    private let prefix: String

    /// Opens the directory, making it when it is missing; blocks.
    ///
    /// - Parameters:
    ///   - scheme: Of the blobs' URIs.
    ///   - endpointName: Uploads of other services are not this store's to give up.
    init(path: String, scheme: BlobURI.Scheme, endpointName: String) throws(BlobError) {
        self.scheme = scheme
        let made = cfile_mkdirat(AT_FDCWD, path, 0o700)
        if made != -EEXIST { try FileFailure.check(made, "creating the upload journal", .write) }
        directory = SharedDescriptor(
            owning: try FileFailure.check(
                cfile_open(path, O_RDONLY | O_DIRECTORY, 0), "opening the upload journal", .write))
        let endpoint = HexText.text(of: Array(endpointName.utf8.prefix(64)))
        prefix = "\(scheme.rawValue)-\(endpoint)-"
        // Else who looks for what dead processes left could take this directory before its owner has
        // locked it.
        let areaLock = try Self.lockArea(directory)
        defer { cfile_unlock(areaLock.rawValue) }
        sessionName = "\(prefix)\(getpid())-\(try RandomName.make())"
        session = try StagingArea.makeDirectory(sessionName, in: directory)
        owner = try StagingArea.makeFile(Self.ownerName, in: session)
        try FileFailure.check(
            cfile_flock(owner.rawValue, 1, 0), "locking the upload journal", .write)
    }

    deinit { close() }

    /// Leaves the notes to the next process; without any, removes the directory. Idempotent; blocks for
    /// a moment.
    func close() {
        // While there are notes left the owner's file stays: by its lock, free from now on, the next
        // process sees that they are its to see to.
        if StagingArea.names(in: session, prefix: "") == [Self.ownerName] {
            cfile_unlinkat(session.rawValue, Self.ownerName, 0)
            cfile_unlinkat(directory.rawValue, sessionName, AT_REMOVEDIR)
        }
        // Not by closing alone: a program that is just being started has a copy of the descriptor.
        cfile_unlock(owner.rawValue)
    }

    private static let ownerName = "owner"
    private static let maximumNoteByteCount = 64 << 10

    /// Notes an upload; blocks for a moment. Nil when the disk does not take it: then the upload goes
    /// on without.
    func begin(_ note: Note) -> Entry? {
        guard let name = try? RandomName.make() else { return nil }
        let file = cfile_openat(
            session.rawValue, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return nil }
        let descriptor = SharedDescriptor(owning: file)
        let entry = Entry(session, name)
        let text = [note.uri.container, note.uri.key, note.uploadID]
            .map { HexText.text(of: Array($0.utf8)) }.joined(separator: "\n")
        let bytes = Array((text + "\n").utf8)
        let outcome = bytes.withUnsafeBytes {
            cfile_write(descriptor.rawValue, $0.baseAddress, $0.count, 0)
        }
        guard outcome >= 0 else {
            entry.end()
            return nil
        }
        return entry
    }

    /// What dead processes left behind; blocks.
    func abandoned() -> [Abandoned] {
        // While another process starts, its owner's lock is free, too.
        guard let areaLock = try? Self.lockArea(directory) else { return [] }
        defer { cfile_unlock(areaLock.rawValue) }
        return StagingArea.names(in: directory, prefix: prefix).compactMap { name in
            guard name != sessionName,
                let session = try? StagingArea.openDirectory(name, in: directory),
                let owner = Self.lockedOwner(of: session)
            else { return nil }
            let entries = StagingArea.names(in: session, prefix: "").compactMap {
                file -> (note: Note, entry: Entry)? in
                guard file != Self.ownerName, let note = read(file, in: session) else {
                    return nil
                }
                return (note: note, entry: Entry(session, file))
            }
            return Abandoned(name: name, session: session, owner: owner, entries: entries)
        }
    }

    /// Removes the directory of a dead process once its notes are gone; blocks.
    func remove(_ abandoned: Abandoned) {
        let rest = StagingArea.names(in: abandoned.session, prefix: "")
        guard rest.allSatisfy({ $0 == Self.ownerName }) else { return }
        cfile_unlinkat(abandoned.session.rawValue, Self.ownerName, 0)
        cfile_unlinkat(directory.rawValue, abandoned.name, AT_REMOVEDIR)
    }

    /// Waits until no other process comes, or looks for the dead.
    private static func lockArea(
        _ directory: SharedDescriptor
    ) throws(BlobError) -> SharedDescriptor {
        let lock = try StagingArea.makeFile("lock", in: directory)
        try FileFailure.check(
            cfile_flock(lock.rawValue, 1, 1), "locking the upload journal", .write)
        return lock
    }

    private static func lockedOwner(of session: SharedDescriptor) -> SharedDescriptor? {
        let file = cfile_openat(session.rawValue, ownerName, O_RDWR | O_NOFOLLOW, 0)
        guard file >= 0 else { return nil }
        let owner = SharedDescriptor(owning: file)
        return cfile_flock(owner.rawValue, 1, 0) == 0 ? owner : nil
    }

    private func read(_ name: String, in session: SharedDescriptor) -> Note? {
        let file = cfile_openat(session.rawValue, name, O_RDONLY | O_NOFOLLOW, 0)
        guard file >= 0 else { return nil }
        let descriptor = SharedDescriptor(owning: file)
        let bytes = Bytes(capacity: Self.maximumNoteByteCount) { target in
            max(0, cfile_read(descriptor.rawValue, target.baseAddress, target.count, 0))
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == 4, lines[3].isEmpty else { return nil }
        let texts = lines.prefix(3).compactMap { line in
            HexText.bytes(of: Array(line)).flatMap { String(validating: $0, as: UTF8.self) }
        }
        guard texts.count == 3 else { return nil }
        return Note(
            uri: BlobURI(scheme: scheme, container: texts[0], key: texts[1]), uploadID: texts[2])
    }
}
