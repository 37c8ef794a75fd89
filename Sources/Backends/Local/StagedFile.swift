internal import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

/// A file being written that nobody can see yet.
///
/// The mutex makes it safe to discard the file from one thread while another is still writing; jobs
/// otherwise come one after the other and never wait for it.
final class StagedFile: Sendable {
    /// Where the file is and how it is opened; called on the pool with the first write.
    struct Place: Sendable {
        var directory: SharedDescriptor
        var name: String
        var flags: Int32 = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        var mode: UInt32
        /// Where in the file the first byte goes.
        var baseOffset: UInt64 = 0
        /// Whether giving up removes the file; false for the shared file of a multipart upload.
        var isOwned = true
        /// Held until the file is let go of.
        var lock: SharedDescriptor?
    }

    private struct State {
        var place: Place?
        var descriptor: SharedDescriptor?
        var byteCount: UInt64 = 0
        var digest: SHA256Digest?
        var isDiscarded = false
    }

    private let locate: @Sendable () throws(BlobError) -> Place
    private let computesSHA256: Bool
    private let state = Mutex(State())

    init(
        computesSHA256: Bool, locate: @escaping @Sendable () throws(BlobError) -> Place
    ) {
        self.computesSHA256 = computesSHA256
        self.locate = locate
    }

    /// A file of its own in the session directory of `root`.
    convenience init(in root: LocalRoot, computesSHA256: Bool) {
        self.init(computesSHA256: computesSHA256) { () throws(BlobError) in
            let staging = try root.writableStaging()
            return Place(
                directory: staging.session, name: staging.makeFileName(), mode: staging.fileMode)
        }
    }

    /// Appends `chunks`; blocks. Creates the file when it is the first call.
    func write(_ chunks: [Bytes]) throws(BlobError) {
        try state.withLock { state throws(BlobError) in
            let (descriptor, place) = try open(&state)
            for chunk in chunks {
                let offset = try Self.advance(&state, place, by: UInt64(chunk.count))
                try chunk.withUnsafeBytes { bytes throws(BlobError) in
                    try state.digest?.update(bytes)
                    try FileFailure.check(
                        cfile_write(descriptor.rawValue, bytes.baseAddress, bytes.count, offset),
                        "writing", .write)
                }
            }
        }
    }

    /// Appends up to `byteCount` bytes of another file; blocks.
    ///
    /// - Returns: How many; 0 at the end of `source`.
    func append(
        from source: SharedDescriptor, at sourceOffset: UInt64, upTo byteCount: UInt64
    ) throws(BlobError) -> UInt64 {
        try state.withLock { state throws(BlobError) in
            let (descriptor, place) = try open(&state)
            let offset = try Self.advance(&state, place, by: 0)
            let copied = cfile_copy_range(
                source.rawValue, sourceOffset, descriptor.rawValue, offset,
                Int(clamping: byteCount))
            let copiedByteCount = UInt64(try FileFailure.check(copied, "copying", .write))
            state.byteCount += copiedByteCount
            return copiedByteCount
        }
    }

    /// Makes the content final: attributes, modification time, durability and digest.
    func seal(
        attributes: BlobAttributes, keepsAttributes: Bool, durability: LocalDurability
    ) throws(BlobError) -> (byteCount: UInt64, sha256: [UInt8]?) {
        try state.withLock { state throws(BlobError) in
            let (descriptor, _) = try open(&state)
            try FileSealing.seal(
                descriptor, attributes: attributes, keepsAttributes: keepsAttributes,
                durability: durability)
            let sha256 = try state.digest?.finish()
            state.digest = nil
            return (state.byteCount, sha256)
        }
    }

    /// Makes what was written as durable as `durability` says; blocks.
    func sync(_ durability: LocalDurability) throws(BlobError) {
        try state.withLock { state throws(BlobError) in
            let (descriptor, _) = try open(&state)
            try FileSealing.sync(descriptor, durability)
        }
    }

    /// The number of bytes written so far.
    var byteCount: UInt64 { state.withLock { $0.byteCount } }

    /// Hands the file over to `body`, which renames it. If that succeeds the file is no longer ours.
    func handOver<Value: Sendable>(
        _ body: @Sendable (SharedDescriptor, Place) throws(BlobError) -> Value
    ) throws(BlobError) -> Value {
        try state.withLock { state throws(BlobError) in
            let (descriptor, place) = try open(&state)
            let value = try body(descriptor, place)
            state = State()
            state.isDiscarded = true
            return value
        }
    }

    /// Removes the file, if there is one; blocks. Idempotent.
    func discard() {
        state.withLock { state in
            if let place = state.place, state.descriptor != nil, place.isOwned {
                cfile_unlinkat(place.directory.rawValue, place.name, 0)
            }
            state = State()
            state.isDiscarded = true
        }
    }

    private func open(_ state: inout State) throws(BlobError) -> (SharedDescriptor, Place) {
        if let descriptor = state.descriptor, let place = state.place {
            return (descriptor, place)
        }
        guard !state.isDiscarded else { throw BlobError.cancelled }
        let place = try locate()
        if computesSHA256 { state.digest = try SHA256Digest() }
        let descriptor = cfile_openat(
            place.directory.rawValue, place.name, place.flags, place.mode)
        let shared = SharedDescriptor(
            owning: try FileFailure.check(descriptor, "creating a staging file", .write))
        state.place = place
        state.descriptor = shared
        return (shared, place)
    }

    /// Where the next `byteCount` bytes go. The kernel counts file positions in 63 bits.
    private static func advance(
        _ state: inout State, _ place: Place, by byteCount: UInt64
    ) throws(BlobError) -> UInt64 {
        let (offset, overflow) = place.baseOffset.addingReportingOverflow(state.byteCount)
        let (end, endOverflow) = offset.addingReportingOverflow(byteCount)
        guard !overflow, !endOverflow, end <= UInt64(Int64.max) else {
            throw FileFailure.error(EFBIG, "writing", .write)
        }
        state.byteCount += byteCount
        return offset
    }
}

/// What is done to a file between its last byte and its publication.
enum FileSealing {
    static func seal(
        _ descriptor: SharedDescriptor, attributes: BlobAttributes, keepsAttributes: Bool,
        durability: LocalDurability
    ) throws(BlobError) {
        if !attributes.isEmpty {
            guard keepsAttributes else {
                throw BlobError(
                    .unsupportedOperation,
                    "the file system of this root keeps no extended attributes, hence neither"
                        + " content types nor user metadata",
                    origin: .backend)
            }
            let outcome = attributes.encoded.withUnsafeBytes {
                cfile_fsetxattr(descriptor.rawValue, $0.baseAddress, $0.count)
            }
            if outcome == -E2BIG || outcome == -ERANGE || outcome == -ENOSPC {
                // ENOSPC of this call speaks of the room in the inode, not on the disk.
                throw BlobError(
                    .tooLarge, "the file system has no room for this much metadata on one file",
                    origin: .backend)
            }
            try FileFailure.check(outcome, "storing the metadata", .write)
        }
        // The kernel stamps files with the last clock tick, some milliseconds old: two blobs of one
        // size that reuse an inode within a tick would get one entity tag (FS-08).
        try FileFailure.check(cfile_touch(descriptor.rawValue), "futimens", .write)
        try sync(descriptor, durability)
    }

    static func sync(
        _ descriptor: SharedDescriptor, _ durability: LocalDurability
    ) throws(BlobError) {
        switch durability {
        case .none: break
        case .data:
            try FileFailure.check(cfile_fdatasync(descriptor.rawValue), "fdatasync", .write)
        case .full: try FileFailure.check(cfile_fsync(descriptor.rawValue), "fsync", .write)
        }
    }
}
