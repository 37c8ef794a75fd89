internal import BlobCore
internal import LinuxIO

/// Moves a body into a staged file: the pool writes one batch while the caller receives the next.
struct BodyWriter: Sendable {
    let hops: PoolHops
    let uri: BlobURI
    let deadline: CallDeadline

    /// Writes all of `body` to `file` and then runs `finish` on the pool; if anything fails, or the
    /// task is cancelled, the file is removed (CM-14).
    ///
    /// A body of one batch takes one hop for everything. At most two batches are in memory.
    func write<Value: Sendable>(
        _ body: BlobBody, to file: StagedFile,
        finish: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlobError) {
            return try await writeBatches(body, to: file, finish: finish)
        } catch {
            hops.later { file.discard() }
            throw error.on(uri)
        }
    }

    private func writeBatches<Value: Sendable>(
        _ body: BlobBody, to file: StagedFile,
        finish: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        if case .bytes(let bytes) = body {
            return try await writeLast([bytes], to: file, finish: finish)
        }
        var reader = BatchReader(body)
        var batch = try await reader.next()
        while !reader.hasEnded {
            try checkStillWanted()
            let write = try startWriting(batch, to: file)
            let following: Result<[Bytes], BlobError>
            do throws(BlobError) {
                following = .success(try await reader.next(whileBusy: write))
            } catch {
                following = .failure(error)
            }
            // The writer's own error first: it says why the body was not wanted any more.
            try await write.result().get()
            batch = try following.get()
        }
        try checkStillWanted()
        return try await writeLast(batch, to: file, finish: finish)
    }

    /// Not a child task: that would take this call to another thread and back for each batch.
    private func startWriting(
        _ batch: [Bytes], to file: StagedFile
    ) throws(BlobError) -> BatchWrite {
        let write = BatchWrite()
        try hops.start(on: uri) {
            do throws(BlobError) {
                try file.write(batch)
                write.finish(.success(()))
            } catch {
                write.finish(.failure(error))
            }
        }
        return write
    }

    private func writeLast<Value: Sendable>(
        _ batch: [Bytes], to file: StagedFile,
        finish: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        try await hops.run(on: uri) { () throws(BlobError) in
            try file.write(batch)
            return try finish()
        }
    }

    private func checkStillWanted() throws(BlobError) {
        if Task.isCancelled { throw BlobError.cancelled }
        try deadline.check()
    }
}
