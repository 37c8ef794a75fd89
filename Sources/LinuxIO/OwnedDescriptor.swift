internal import CLinuxShims
internal import Glibc

/// A file descriptor with exactly one owner; closed when the owner goes away.
///
/// `close` is never retried after EINTR: Linux has freed the number by then, and a second close
/// could hit a descriptor that another thread has just opened.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor number, borrowed: valid while this value lives.
    public let rawValue: Int32

    /// Takes ownership of an open descriptor.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "not a descriptor")
        self.rawValue = rawValue
    }

    deinit {
        let result = clinux_close(rawValue)
        // A wrong number here means that someone else closed what we own.
        assert(result != -EBADF, "descriptor \(rawValue) was closed behind its owner's back")
    }

    /// Gives up ownership; the caller must close the descriptor.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// Closes now, reporting what `deinit` could not: EIO, ENOSPC or EDQUOT of a delayed write.
    public consuming func close() throws(SystemError) {
        let number = release()
        let result = clinux_close(number)
        // Interrupted or not, the descriptor is gone.
        if result == -EINTR { return }
        try checked(result, "close")
    }

    /// A second descriptor for the same open file, close-on-exec.
    public func duplicate() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try checked(clinux_duplicate(rawValue), "fcntl(F_DUPFD_CLOEXEC)"))
    }
}
