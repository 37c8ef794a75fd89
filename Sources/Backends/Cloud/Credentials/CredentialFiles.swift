internal import BlobCore
internal import Glibc
internal import LinuxIO

/// Reads small files off the calling thread.
struct CredentialFiles: Sendable {
    static let maximumByteCount = 1 << 20

    let pool: BlockingPool

    /// The text of the file; nil when it does not exist.
    func text(at path: String) async throws(CredentialFailure) -> String? {
        do throws(BlockingPoolError<CredentialFailure>) {
            return try await pool.run { () throws(CredentialFailure) -> String? in
                try Self.read(path)
            }
        } catch {
            throw Self.failure(of: error)
        }
    }

    static func failure(of error: BlockingPoolError<CredentialFailure>) -> CredentialFailure {
        switch error {
        case .failed(let failure): failure
        case .cancelled: CredentialFailure("the fetch was cancelled", isTransient: true)
        default: CredentialFailure("no thread is free for blocking calls", isTransient: true)
        }
    }

    private static func read(_ path: String) throws(CredentialFailure) -> String? {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { return nil }
            throw failure("opened", number)
        }
        let owned = OwnedDescriptor(owning: descriptor)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let byteCount = chunk.withUnsafeMutableBytes { buffer in
                Glibc.read(owned.rawValue, buffer.baseAddress, buffer.count)
            }
            let number = errno
            if byteCount < 0, number == EINTR { continue }
            guard byteCount >= 0 else { throw failure("read", number) }
            guard byteCount > 0 else { break }
            bytes += chunk.prefix(byteCount)
            guard bytes.count <= maximumByteCount else {
                throw CredentialFailure("the file is larger than \(maximumByteCount) bytes")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func failure(_ step: String, _ number: Int32) -> CredentialFailure {
        let cause = SystemError(errorNumber: number, operation: "the call")
        return CredentialFailure("the file cannot be \(step): \(cause)")
    }
}
