import BlobCore
import Glibc

extension BlobError {
    /// The failure of a system call on a local file. It never becomes `notFound` or
    /// `permissionDenied`: their exit codes speak of the blob, not of the file beside it.
    static func system(_ action: String, _ path: String, _ number: CInt = errno) -> BlobError {
        let reason = String(cString: strerror(number))
        let code: Code = number == ENOSPC || number == EDQUOT ? .noSpace : .inputOutput
        return BlobError(code, "cannot \(action) \(path): \(reason)", origin: .client)
    }

    /// A mistake in the arguments that only the file system could show.
    static func usage(_ message: String) -> BlobError {
        BlobError(.invalidArgument, message, origin: .client)
    }
}
