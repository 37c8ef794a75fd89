internal import BlobCore

/// How blobs move, whatever the service.
struct TransferSettings: Sendable {
    /// The size in bytes of the parts that large blobs are read and written in.
    let partByteCount: Int
    /// How many parts of one blob move at once, at most.
    let concurrentPartCount: Int
    /// How much memory the store may cost the process, in bytes, over all calls.
    let memoryBudgetByteCount: Int

    /// - Throws: `invalidArgument` for a setting that cannot be.
    init(
        partByteCount: Int, concurrentPartCount: Int, memoryBudgetByteCount: Int
    ) throws(BlobError) {
        guard (5 << 20...1 << 30).contains(partByteCount) else {
            throw BlobError(.invalidArgument, "partByteCount must be 5 MiB to 1 GiB")
        }
        guard (1...256).contains(concurrentPartCount) else {
            throw BlobError(.invalidArgument, "concurrentPartCount must be 1 to 256")
        }
        guard memoryBudgetByteCount > 0 else {
            throw BlobError(.invalidArgument, "memoryBudgetByteCount must be positive")
        }
        self.partByteCount = partByteCount
        self.concurrentPartCount = concurrentPartCount
        self.memoryBudgetByteCount = memoryBudgetByteCount
    }
}
