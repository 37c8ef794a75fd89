public import LinuxIO

/// How hard a finished write is on the disk before it is reported as done.
public enum LocalDurability: String, Sendable, Hashable, CaseIterable {
    /// Left to the kernel: survives the end of the process, not a power cut.
    case none
    /// The bytes are on the disk before the blob becomes visible: never a torn blob, but after a
    /// power cut the old version may be back.
    case data
    /// Bytes, metadata and directory entries are on the disk: the write survives a power cut.
    case full
}

/// What a `LocalBackend` serves and how.
public struct LocalBackendConfiguration: Sendable {
    /// Absolute paths of existing directories. Nothing outside them is ever touched.
    public var roots: [String]
    /// What a finished write promises.
    public var durability: LocalDurability = .data
    /// Where calls run that can block.
    public var blockingPool: BlockingPool
    /// Multipart uploads without activity for this long are removed.
    public var uploadExpiry: Duration = .seconds(7 * 24 * 3600)
    /// The permission bits of new blobs, before the process's umask.
    public var fileMode: UInt32 = 0o644
    /// The permission bits of new directories, before the process's umask.
    public var directoryMode: UInt32 = 0o755
    /// Whether deleting a directory's last blob removes the directory.
    public var prunesEmptyDirectories = false
    /// Whether `head` and `read` first try, on the caller's thread, what the kernel can answer from
    /// its caches. Turn it off for network file systems, whose `fstat` can block.
    public var usesCachedFastPath = true
    /// Walks paths component by component, following no symbolic link at all, as is done anyway on
    /// kernels and in sandboxes without `openat2`.
    public var forcesComponentWalk = false

    /// A configuration with the defaults for everything else.
    public init(roots: [String], blockingPool: BlockingPool) {
        self.roots = roots
        self.blockingPool = blockingPool
    }
}
