import BlobCore
import Glibc
import Synchronization

/// Reads a pipe, a terminal or a device until it ends.
final class StreamByteSource: ByteSource {
    /// The size of one read in bytes; a pipe rarely holds more.
    static let readByteCount = 256 << 10
    /// How often a waiting read looks whether the consumer gave up, in milliseconds.
    private static let pollMilliseconds: CInt = 100

    private let descriptor: CInt
    private let name: String
    /// Keeps the descriptor open; nil for standard input, which belongs to the process.
    private let file: OpenFile?
    private let thread = BlockingThread()
    private let isCancelled = Mutex(false)

    /// Reads `file`.
    init(file: OpenFile) {
        descriptor = file.descriptor
        name = file.path
        self.file = file
    }

    /// Reads a descriptor that somebody else closes.
    init(borrowing descriptor: CInt, name: String) {
        self.descriptor = descriptor
        self.name = name
        file = nil
    }

    /// What the pipe gives next, up to 256 KiB.
    func next() async throws(BlobError) -> Bytes? {
        let result: Result<Bytes, BlobError> = await withTaskCancellationHandler {
            do throws(BlobError) {
                return .success(
                    try await thread.run { () throws(BlobError) in try self.readBlocking() })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
        let bytes = try result.get()
        return bytes.isEmpty ? nil : bytes
    }

    private func readBlocking() throws(BlobError) -> Bytes {
        while true {
            if isCancelled.withLock({ $0 }) { throw BlobError.cancelled }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&request, 1, Self.pollMilliseconds)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            guard ready > 0 else { throw BlobError.system("wait for", name) }
            var isInterrupted = false
            let bytes = try Bytes(capacity: Self.readByteCount) { (buffer) throws(BlobError) in
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count >= 0 { return count }
                guard errno == EINTR || errno == EAGAIN else {
                    throw BlobError.system("read", name)
                }
                isInterrupted = true
                return 0
            }
            if !isInterrupted { return bytes }
        }
    }
}
