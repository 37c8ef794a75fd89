package import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

/// The hidden directory of a root in which writes are prepared: `.blobrpc-staging`.
///
/// It lies inside the root so that publishing is a rename within one file system (FS-02). It holds
/// one `session-PID-START` directory per running process, with the files being written, and one
/// `upload-ID` directory per multipart upload. A process owns its session by a lock on the file
/// `owner` in it: the kernel drops the lock however the process ends, so whoever can take the lock
/// knows that the session is dead and may remove it (FS-03). Two servers can share a root.
package final class StagingArea: Sendable {
    /// The staging directory itself.
    let directory: SharedDescriptor
    /// This process's session directory.
    let session: SharedDescriptor
    let fileMode: UInt32
    let keepsAttributes: Bool
    private let uploadExpiry: Duration
    private let owner: SharedDescriptor
    private let sessionName: String
    private let lastFileNumber = Atomic<UInt64>(0)
    private let lastSweepNanoseconds = Atomic<Int64>(0)

    init(
        root: SharedDescriptor, fileMode: UInt32, uploadExpiry: Duration
    ) throws(BlobError) {
        self.fileMode = fileMode
        self.uploadExpiry = uploadExpiry
        directory = try Self.makeDirectory(LocalPathRules.stagingName, in: root)
        // One lock for the whole area while sessions come and go: otherwise a starting process could
        // lose its session between creating and locking it.
        let areaLock = try Self.makeFile("lock", in: directory)
        try FileFailure.check(
            cfile_flock(areaLock.rawValue, 1, 1), "locking the staging directory", .write)
        Self.sweepDeadSessions(in: directory)
        sessionName = "session-\(getpid())-\(try RandomName.make())"
        session = try Self.makeDirectory(sessionName, in: directory)
        owner = try Self.makeFile("owner", in: session)
        try FileFailure.check(
            cfile_flock(owner.rawValue, 1, 0), "locking the staging session", .write)
        let ownerFile = owner
        keepsAttributes = [UInt8(1)].withUnsafeBytes {
            cfile_fsetxattr(ownerFile.rawValue, $0.baseAddress, $0.count) == 0
        }
        sweepExpiredUploads()
    }

    deinit {
        // The session is empty unless a write is under way somewhere; then the next start sweeps it.
        cfile_unlinkat(session.rawValue, "owner", 0)
        cfile_unlinkat(directory.rawValue, sessionName, AT_REMOVEDIR)
    }

    /// A name that no other file of this session has.
    func makeFileName() -> String {
        String(lastFileNumber.add(1, ordering: .relaxed).newValue)
    }

    /// `sweepExpiredUploads`, unless that was done within the last hour.
    func sweepExpiredUploadsIfDue() {
        let hourInNanoseconds: Int64 = 3_600_000_000_000
        let last = lastSweepNanoseconds.load(ordering: .relaxed)
        if cfile_now_nanoseconds() - last > hourInNanoseconds { sweepExpiredUploads() }
    }

    /// Removes uploads on which nothing happened for `uploadExpiry`.
    func sweepExpiredUploads() {
        let now = cfile_now_nanoseconds()
        lastSweepNanoseconds.store(now, ordering: .relaxed)
        let (seconds, attoseconds) = uploadExpiry.components
        let (secondsInNanoseconds, overflow) = seconds.multipliedReportingOverflow(
            by: 1_000_000_000)
        // An expiry beyond the range of the clock means never.
        guard !overflow, secondsInNanoseconds < now else { return }
        let oldest = now - secondsInNanoseconds - attoseconds / 1_000_000_000
        for name in Self.names(in: directory, prefix: UploadDirectory.namePrefix) {
            guard let upload = try? Self.openDirectory(name, in: directory) else { continue }
            var latest = Int64.min
            var status = FileStatus()
            if cfile_fstat(upload.rawValue, &status) == 0 { latest = status.modified_nanoseconds }
            // Parts written in place change the data file, not the directory.
            if cfile_lstatat(upload.rawValue, UploadDirectory.dataName, &status) == 0 {
                latest = max(latest, status.modified_nanoseconds)
            }
            if latest < oldest { Self.removeDirectory(name, upload, from: directory) }
        }
    }

    private static func sweepDeadSessions(in directory: SharedDescriptor) {
        for name in names(in: directory, prefix: "session-") {
            guard let session = try? openDirectory(name, in: directory) else { continue }
            let owner = cfile_openat(session.rawValue, "owner", O_RDONLY | O_NOFOLLOW, 0)
            if owner >= 0 {
                let lock = SharedDescriptor(owning: owner)
                // Held by a living process, or the file system has no locks: not ours to judge.
                guard cfile_flock(lock.rawValue, 1, 0) == 0 else { continue }
                removeDirectory(name, session, from: directory)
            } else if owner == -ENOENT {
                // Its process ended between creating the directory and the file.
                removeDirectory(name, session, from: directory)
            }
        }
    }

    /// Removes a flat directory with everything in it, as far as possible.
    static func removeDirectory(
        _ name: String, _ contents: SharedDescriptor, from parent: SharedDescriptor
    ) {
        // Once more when a writer added a file in between.
        for _ in 0..<3 {
            for file in names(in: contents, prefix: "") {
                cfile_unlinkat(contents.rawValue, file, 0)
            }
            if cfile_unlinkat(parent.rawValue, name, AT_REMOVEDIR) != -ENOTEMPTY { return }
        }
    }

    /// The entries that begin with `prefix`; none when the directory cannot be read.
    package static func names(in directory: SharedDescriptor, prefix: String) -> [String] {
        var names: [String] = []
        try? DirectoryReader.forEachEntry(of: directory, path: ".", .upload) { name, _ in
            let text = String(decoding: name, as: UTF8.self)
            if text.hasPrefix(prefix) { names.append(text) }
        }
        return names
    }

    package static func openDirectory(
        _ name: String, in parent: SharedDescriptor, _ intent: FileIntent = .write
    ) throws(BlobError) -> SharedDescriptor {
        let descriptor = cfile_openat(
            parent.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        return SharedDescriptor(
            owning: try FileFailure.check(descriptor, "opening the staging directory", intent))
    }

    package static func makeDirectory(
        _ name: String, in parent: SharedDescriptor
    ) throws(BlobError) -> SharedDescriptor {
        let outcome = cfile_mkdirat(parent.rawValue, name, 0o700)
        if outcome != -EEXIST {
            try FileFailure.check(outcome, "creating the staging directory", .write)
        }
        return try openDirectory(name, in: parent)
    }

    package static func makeFile(
        _ name: String, in parent: SharedDescriptor
    ) throws(BlobError) -> SharedDescriptor {
        let descriptor = cfile_openat(
            parent.rawValue, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
        return SharedDescriptor(
            owning: try FileFailure.check(descriptor, "creating a staging file", .write))
    }
}
