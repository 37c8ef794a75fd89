import BlobCore
import Glibc

/// An open file; the one owner of its descriptor.
final class OpenFile: Sendable {
    let descriptor: CInt
    let path: String

    /// Opens `path`, and creates it with mode 0600 when `flags` ask for that.
    init(path: String, flags: CInt) throws(BlobError) {
        var descriptor = open(path, flags | O_CLOEXEC, 0o600)
        while descriptor < 0 && errno == EINTR {
            descriptor = open(path, flags | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw BlobError.system("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    /// What the file is now.
    func status() throws(BlobError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BlobError.system("examine", path) }
        return status
    }

    /// Reads from `offset` until `buffer` is full or the file ends.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlobError)
        -> Int
    {
        var filled = 0
        while filled < buffer.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(
                descriptor, room.baseAddress, room.count, off_t(offset) + off_t(filled))
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw BlobError.system("read", path)
            }
        }
        return filled
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(BlobError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(
                descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw BlobError.system("write", path)
            }
        }
    }
}
