internal import BlobCore
internal import CFileShims
internal import Glibc

/// The directory of one multipart upload, `upload-ID` in the staging area of its root.
///
/// - `record`: what it will become; locked shared by writers into `data`, exclusively by completion
/// - `data`: written in place by parts with an offset and by uploaders that share the file system
/// - `placed-N`: part N was written into `data`, with its offset and length; empty until it is whole
/// - `part-N`: part N in a file of its own
///
/// It outlives the process: a client can go on after a restart of the server (FS-10).
struct UploadDirectory: Sendable {
    static let namePrefix = "upload-"
    static let dataName = "data"
    static let recordName = "record"

    enum Access: Sendable {
        /// Look or add files.
        case shared
        /// Write into `data` or change a part: not while the upload is being completed.
        case writingData
        /// Nobody may be writing into `data`.
        case completing
    }

    let staging: StagingArea
    let name: String
    let directory: SharedDescriptor
    /// The open `record` file, which carries the lock.
    let lock: SharedDescriptor
    let record: UploadRecord

    /// Creates the directory of a new upload; with full durability it survives a power cut, as
    /// otherwise its parts would not.
    static func create(
        uploadID: String, record: UploadRecord, in root: LocalRoot, _ durability: LocalDurability
    ) throws(BlobError) {
        let staging = try root.writableStaging()
        // Once in a while somebody has to look, and whoever begins an upload can spare the time.
        staging.sweepExpiredUploadsIfDue()
        let name = namePrefix + uploadID
        let directory = try StagingArea.makeDirectory(name, in: staging.directory)
        do {
            try createFile(
                dataName, in: directory, mode: staging.fileMode, content: [], durability)
            // Last: an upload without a record does not exist.
            try createFile(
                recordName, in: directory, mode: 0o600, content: record.encoded, durability)
            if durability == .full {
                try sync(directory)
                try sync(staging.directory)
            }
        } catch {
            StagingArea.removeDirectory(name, directory, from: staging.directory)
            throw error
        }
    }

    /// Opens an upload that must be one to `path`.
    init(
        _ upload: MultipartUpload, at path: LocalPath, _ access: Access
    ) throws(BlobError) {
        staging = try path.root.writableStaging()
        name = Self.namePrefix + upload.uploadID
        directory = try StagingArea.openDirectory(name, in: staging.directory, .upload)
        let descriptor = cfile_openat(
            directory.rawValue, Self.recordName, O_RDONLY | O_NOFOLLOW, 0)
        lock = SharedDescriptor(
            owning: try FileFailure.check(descriptor, "opening the upload", .upload))
        try Self.take(access, lock)
        record = try Self.readRecord(lock)
        // Another blob's upload is none of this one's business.
        guard record.key.utf8.elementsEqual(upload.uri.key.utf8) else { throw Self.notFound }
    }

    /// Removes the upload with all its parts, never the destination (IX5, FS-10).
    func remove() {
        // The record first: from here on the upload does not exist, whatever is still being written.
        cfile_unlinkat(directory.rawValue, Self.recordName, 0)
        StagingArea.removeDirectory(name, directory, from: staging.directory)
    }

    /// Puts the names of the directory on the disk; blocks.
    func syncDirectory() throws(BlobError) { try Self.sync(directory) }

    private static func sync(_ directory: SharedDescriptor) throws(BlobError) {
        try FileFailure.check(
            cfile_fsync(directory.rawValue), "syncing the upload's directory", .write)
    }

    /// Writes a small file whole: under another name, then renamed.
    func replaceFile(
        _ name: String, content: [UInt8], _ durability: LocalDurability
    ) throws(BlobError) {
        let temporaryName = "tmp-\(try RandomName.make())"
        try Self.createFile(
            temporaryName, in: directory, mode: 0o600, content: content, durability)
        try FileFailure.check(
            cfile_renameat(directory.rawValue, temporaryName, directory.rawValue, name),
            "recording the part", .upload)
    }

    private static func take(_ access: Access, _ lock: SharedDescriptor) throws(BlobError) {
        if access != .shared {
            let outcome = cfile_flock(lock.rawValue, access == .completing ? 1 : 0, 0)
            if outcome == -EWOULDBLOCK {
                throw BlobError(
                    .conflict,
                    access == .completing
                        ? "a part is still being written; complete when all parts are answered"
                        : "the upload is being completed",
                    origin: .backend)
            }
            try FileFailure.check(outcome, "locking the upload", .upload)
        }
        var status = FileStatus()
        try FileFailure.check(cfile_fstat(lock.rawValue, &status), "fstat", .upload)
        // Completed or given up between opening and locking.
        guard status.link_count > 0 else { throw notFound }
    }

    private static func readRecord(
        _ descriptor: SharedDescriptor
    ) throws(BlobError) -> UploadRecord {
        var content = [UInt8](repeating: 0, count: UploadRecord.maximumByteCount)
        let byteCount = content.withUnsafeMutableBytes {
            cfile_read(descriptor.rawValue, $0.baseAddress, $0.count, 0)
        }
        try FileFailure.check(byteCount, "reading the upload's record", .upload)
        let record = content[..<byteCount].withUnsafeBytes { UploadRecord(decoding: $0) }
        // The server stopped while it created the upload, and nobody was given its ID.
        guard let record else { throw notFound }
        return record
    }

    private static func createFile(
        _ name: String, in directory: SharedDescriptor, mode: UInt32, content: [UInt8],
        _ durability: LocalDurability
    ) throws(BlobError) {
        let descriptor = cfile_openat(
            directory.rawValue, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
        let file = SharedDescriptor(
            owning: try FileFailure.check(descriptor, "creating an upload's file", .upload))
        let outcome = content.withUnsafeBytes {
            cfile_write(file.rawValue, $0.baseAddress, $0.count, 0)
        }
        try FileFailure.check(outcome, "writing an upload's file", .write)
        // Where only the bytes of parts count, a small file that a power cut has emptied says that
        // there is no part, or no upload.
        if durability == .full { try FileSealing.sync(file, durability) }
    }

    private static var notFound: BlobError {
        FileFailure.error(ENOENT, "opening the upload", .upload)
    }
}
