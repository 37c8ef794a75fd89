package import BlobCore
internal import Glibc
internal import LinuxIO

/// What a file call was for: the same errno means different things to readers and writers.
package enum FileIntent: Sendable {
    case read
    case write
    case upload
}

/// The one place where errnos become `BlobError`s (FS-09).
package enum FileFailure {
    /// Returns `result`, or throws what the negated errno in it means.
    @discardableResult
    package static func check<Result: SignedInteger>(
        _ result: Result, _ operation: StaticString, _ intent: FileIntent
    ) throws(BlobError) -> Result {
        guard result < 0 else { return result }
        throw error(Int32(truncatingIfNeeded: -result), operation, intent)
    }

    /// The error for `errorNumber` of `operation`, which reads as in "opening the file".
    static func error(
        _ errorNumber: Int32, _ operation: StaticString, _ intent: FileIntent
    ) -> BlobError {
        let (code, advice) = meaning(of: errorNumber, intent)
        let cause = SystemError(errorNumber: errorNumber, operation: "\(operation)")
        return BlobError(code, "\(advice): \(cause)", origin: .backend)
    }

    private static func meaning(
        of errorNumber: Int32, _ intent: FileIntent
    ) -> (code: BlobError.Code, advice: String) {
        switch errorNumber {
        case ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EEXIST:
            missing(errorNumber, intent)
        case EXDEV where intent == .read, ELOOP:
            (.permissionDenied, "a symbolic link on the path leaves the root or does not end")
        case EXDEV:
            (
                .permissionDenied,
                "the path leaves its root, or lies on another file system than the root's staging"
                    + " directory; configure that file system as a root of its own"
            )
        case EACCES, EPERM:
            (.permissionDenied, "the server's user may not do this; check the file's permissions")
        case ENXIO, ENODEV, ESPIPE:
            (.permissionDenied, notRegular)
        case ENOSPC, EDQUOT:
            (.noSpace, "the disk or the server's quota is full; nothing was stored")
        case EROFS:
            (.readOnly, "the file system is mounted read-only")
        case EMFILE, ENFILE, ENOMEM, EAGAIN:
            (.overloaded, "the server is out of descriptors or memory; raise its limits")
        case ENAMETOOLONG:
            (.invalidURI, "a component of the path, or the path itself, is too long")
        case EFBIG, EOVERFLOW:
            (.tooLarge, "the file system cannot store a file of this size")
        case EBUSY, ETXTBSY:
            (.conflict, "the file is in use by another program")
        case EOPNOTSUPP, ENOSYS:
            (.unsupportedOperation, "the file system of this root cannot do this")
        default:
            (.inputOutput, "the file system failed; look at the server's kernel log")
        }
    }

    /// NotFound only when it is certain (CM-09): every one of these says so for a reader. For a
    /// writer they say that a directory or file of that name is in the way (FS-05).
    private static func missing(
        _ errorNumber: Int32, _ intent: FileIntent
    ) -> (code: BlobError.Code, advice: String) {
        switch intent {
        case .read:
            return (.notFound, "there is no such blob")
        case .upload:
            return (
                .uploadNotFound, "there is no such upload; it was completed, given up or expired"
            )
        case .write:
            switch errorNumber {
            case ENOENT:
                return (.conflict, "the directory of the blob keeps disappearing; try again")
            case ENOTDIR:
                return (.conflict, "a blob is where a directory would have to be")
            default:
                return (.conflict, "a directory of that name is in the way")
            }
        }
    }

    static let notRegular = "only regular files are served; this is a device, pipe or socket"
}
