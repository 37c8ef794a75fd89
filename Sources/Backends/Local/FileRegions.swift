public import BlobCore
internal import CFileShims

/// An open file and the parts of it to deliver, for a server that hands them to `sendfile` instead
/// of taking them out chunk by chunk.
public final class FileRegions: Sendable {
    /// The open file; it stays the same file when the blob is replaced (FS-07).
    public let descriptor: SharedDescriptor
    /// What to deliver, in this order.
    public let regions: [Range<UInt64>]
    let status: FileStatus

    init(descriptor: SharedDescriptor, regions: [Range<UInt64>], status: FileStatus) {
        self.descriptor = descriptor
        self.regions = regions
        self.status = status
    }

    /// Checks, after the last byte was sent, that nobody wrote into the file meanwhile (W-72).
    ///
    /// - Throws: `objectChanged` when what was sent may be of two versions.
    public func verifyUnchanged() throws(BlobError) {
        guard try FileStatus.of(descriptor).hasSameBytes(as: status) else { throw Self.changed }
    }

    static var changed: BlobError {
        BlobError(
            .objectChanged, "another program changed the file while it was being read; read again",
            origin: .backend)
    }
}
