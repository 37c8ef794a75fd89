internal import BlobCore
internal import LinuxIO

/// How the store gets onto the blocking pool, and what a refusal means to its caller.
struct PoolHops: Sendable {
    let pool: BlockingPool

    /// Runs `body` where it may block. Errors name `uri`.
    func run<Value: Sendable>(
        on uri: BlobURI, _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlockingPoolError<BlobError>) {
            return try await pool.run(body)
        } catch {
            switch error {
            case .failed(let failure): throw failure.on(uri)
            case .cancelled: throw BlobError.cancelled.on(uri)
            case .queueFull:
                throw BlobError(
                    .overloaded, "too many file calls are waiting; slow down or add threads",
                    uri: uri)
            case .shutDown:
                throw BlobError(.shuttingDown, "the server is shutting down", uri: uri)
            case .threadUnavailable(let cause):
                throw BlobError(
                    .overloaded, "the server cannot start a thread for file calls: \(cause)",
                    uri: uri)
            }
        }
    }

    /// Runs `body`, a clean-up, even when the calling task is cancelled; nobody waits for it.
    func later(_ body: @escaping @Sendable () -> Void) {
        do {
            try pool.submit(body)
        } catch {
            // No thread takes it: rather block the caller for a moment than leave a file behind.
            body()
        }
    }
}
