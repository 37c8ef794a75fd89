internal import BlobCore
internal import LinuxIO

/// A body that its consumer gets no faster than the socket's rate. Nothing is read ahead: what the
/// consumer has not taken the peer has no credit to follow up (W-95).
final class PacedSource: ByteSource {
    private let source: any ByteSource
    private let share: QuotaShare
    private let loop: EventLoop

    init(_ source: any ByteSource, _ share: QuotaShare, on loop: EventLoop) {
        self.source = source
        self.share = share
        self.loop = loop
    }

    func next() async throws(BlobError) -> Bytes? {
        let bytes = try await source.next()
        if let bytes { try await share.wait(bytes.count, on: loop) }
        return bytes
    }
}

extension QuotaShare {
    /// Counts bytes of a body and waits until the rate allows them.
    ///
    /// - Throws: `cancelled` with its task.
    func wait(_ byteCount: Int, on loop: EventLoop) async throws(BlobError) {
        guard let delay = pace(byteCount) else { return }
        do {
            try await loop.sleep(for: delay)
        } catch {
            throw BlobError.cancelled
        }
    }
}
