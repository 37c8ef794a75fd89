import BlobCore
import Glibc
import Synchronization

/// Reads a regular file, or a stretch of it, as the consumer asks for it.
///
/// A file that changes meanwhile is an error before its last bytes are handed over, so that no blob
/// comes into being that mixes two states of the file.
final class FileByteSource: ByteSource {
    /// The size of one read in bytes: large enough that system calls do not matter, small enough
    /// that a few in flight do not either.
    static let readByteCount: UInt64 = 1 << 20

    /// The bytes of the file that are delivered.
    let range: Range<UInt64>

    private let file: OpenFile
    private let identity: Identity
    private let position: Mutex<UInt64>

    /// What changes when somebody writes to the file.
    private struct Identity: Equatable {
        var byteCount: Int
        var seconds: Int
        var nanoseconds: Int

        init(_ status: stat) {
            byteCount = status.st_size
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    /// Reads `range` of `file`, cut off at its end; all of it when nil.
    init(file: OpenFile, range wanted: ByteRange? = nil) throws(BlobError) {
        let status = try file.status()
        let byteCount = UInt64(max(0, status.st_size))
        range = try wanted?.resolved(size: byteCount) ?? 0..<byteCount
        self.file = file
        identity = Identity(status)
        position = Mutex(range.lowerBound)
        // Only advice: a file system without it reads just as right.
        _ = posix_fadvise(
            file.descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_SEQUENTIAL)
    }

    /// The next mebibyte, or the rest.
    func next() async throws(BlobError) -> Bytes? {
        let start = position.withLock { $0 }
        guard start < range.upperBound else { return nil }
        let wanted = Int(min(Self.readByteCount, range.upperBound - start))
        let bytes = try Bytes(capacity: wanted) { (buffer) throws(BlobError) in
            try file.read(into: buffer, at: start)
        }
        let end = start + UInt64(wanted)
        guard bytes.count == wanted else { throw changed() }
        if end == range.upperBound {
            guard try Identity(file.status()) == identity else { throw changed() }
        }
        position.withLock { $0 = end }
        return bytes
    }

    private func changed() -> BlobError {
        BlobError(
            .inputOutput, "\(file.path) changed while it was being sent; nothing was stored",
            origin: .client)
    }
}
