package import BlobCore
package import LinuxIO

/// How the store gets onto the blocking pool, and what a refusal means to its caller.
package struct PoolHops: Sendable {
    let pool: BlockingPool

    package init(pool: BlockingPool) {
        self.pool = pool
    }

    /// Runs `body` where it may block. Errors name `uri`.
    package func run<Value: Sendable>(
        on uri: BlobURI, _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlockingPoolError<BlobError>) {
            return try await pool.run(body)
        } catch {
            if case .failed(let failure) = error { throw failure.on(uri) }
            throw Self.refusal(error, uri)
        }
    }

    /// Starts `body` where it may block; the caller goes on.
    func start(
        on uri: BlobURI, _ body: @escaping @Sendable () -> Void
    ) throws(BlobError) {
        do throws(BlockingPoolError<Never>) {
            try pool.submit(body)
        } catch {
            throw Self.refusal(error, uri)
        }
    }

    private static func refusal<Failure: Error>(
        _ error: BlockingPoolError<Failure>, _ uri: BlobURI
    ) -> BlobError {
        switch error {
        case .cancelled: BlobError.cancelled.on(uri)
        case .queueFull:
            BlobError(
                .overloaded, "too many file calls are waiting; slow down or add threads", uri: uri)
        case .shutDown: BlobError(.shuttingDown, "the server is shutting down", uri: uri)
        case .threadUnavailable(let cause):
            BlobError(
                .overloaded, "the server cannot start a thread for file calls: \(cause)", uri: uri)
        case .failed(let failure):
            BlobError(.internal, "a file call failed unexpectedly: \(failure)", uri: uri)
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
