internal import Glibc
internal import LinuxIO

/// A tmpfs of a few megabytes, mounted for one test and unmounted when the test lets go of it.
public final class SmallDisk: Sendable {
    /// Whether this process may mount one; for `.enabled(if:)`.
    public static let isAvailable = (try? SmallDisk(byteCount: 1 << 20)) != nil

    private let directory: TemporaryDirectory
    private let readOnlyDirectory: TemporaryDirectory

    /// Where it is mounted.
    public var path: String { directory.path }
    /// Where the same files are, but cannot be written.
    public var readOnlyPath: String { readOnlyDirectory.path }

    /// Mounts a disk of `byteCount` bytes.
    public init(byteCount: Int) throws {
        directory = try TemporaryDirectory()
        readOnlyDirectory = try TemporaryDirectory()
        try Self.mount("tmpfs", at: directory.path, "tmpfs", 0, "size=\(byteCount)")
        // Two steps: the kernel takes no other flag with the first. The disk as a whole could not be
        // made read-only while a server has files open.
        let bind = UInt(MS_BIND)
        let readOnly = UInt(MS_REMOUNT) | UInt(MS_RDONLY) | bind
        do {
            try Self.mount(directory.path, at: readOnlyDirectory.path, "none", bind, "")
            try Self.mount("none", at: readOnlyDirectory.path, "none", readOnly, "")
        } catch {
            unmount()
            throw error
        }
    }

    deinit { unmount() }

    private func unmount() {
        // Files may still be open: the mount goes with the last of them.
        umount2(readOnlyDirectory.path, Int32(MNT_DETACH))
        umount2(directory.path, Int32(MNT_DETACH))
    }

    private static func mount(
        _ source: String, at path: String, _ kind: String, _ flags: UInt, _ options: String
    ) throws {
        guard Glibc.mount(source, path, kind, flags, options) == 0 else {
            throw SystemError(errorNumber: errno, operation: "mount")
        }
    }
}
