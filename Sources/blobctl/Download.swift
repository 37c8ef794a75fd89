import BlobCore
import Glibc

/// Takes the bytes of a read to where they are wanted, and believes nothing about them: exactly the
/// announced bytes have to come, in order.
struct Download {
    let read: BlobRead
    let uri: BlobURI
    let bar: ProgressBar?

    /// Writes to a file that appears only when all is there.
    func run(intoFile path: String, synchronizes: Bool) async throws {
        let file = try prepare { () throws(BlobError) in try AtomicFile(destination: path) }
        try await forEachChunk { bytes, position in
            try file.write(bytes, at: position)
        }
        try file.commit(synchronizes: synchronizes)
    }

    /// Writes to a device or pipe.
    func run(intoStream path: String) async throws {
        let file = try prepare { () throws(BlobError) in
            try OpenFile(path: path, flags: O_WRONLY | O_NOCTTY)
        }
        try await run(into: DescriptorSink(descriptor: file.descriptor, name: path))
        // The sink does not own the descriptor, so the file must live until here.
        withExtendedLifetime(file) {}
    }

    /// Writes to `sink`, which may block for as long as its reader likes.
    func run(into sink: any OutputSink) async throws {
        let thread = BlockingThread()
        try await forEachChunk { bytes, _ in
            try await thread.run { try bytes.withUnsafeBytes { try sink.write($0) } }
        }
    }

    /// Opens the local side, and gives the read up when that fails.
    private func prepare<File: ~Copyable>(
        _ open: () throws(BlobError) -> File
    ) throws(BlobError) -> File {
        do throws(BlobError) {
            return try open()
        } catch {
            read.source.cancel()
            throw error
        }
    }

    /// Hands every chunk to `body` with its place in the local file.
    private func forEachChunk(_ body: (Bytes, UInt64) async throws -> Void) async throws {
        defer { bar?.clear() }
        do {
            var position: UInt64 = 0
            var remaining = read.ranges[...]
            var expected = remaining.first?.lowerBound ?? 0
            while let chunk = try await read.source.next() {
                while let range = remaining.first, expected == range.upperBound {
                    remaining.removeFirst()
                    expected = remaining.first?.lowerBound ?? 0
                }
                let byteCount = UInt64(chunk.bytes.count)
                guard let range = remaining.first, chunk.offset == expected,
                    byteCount <= range.upperBound - expected
                else { throw unexpected("bytes came that were not asked for") }
                try await body(chunk.bytes, position)
                position += byteCount
                expected += byteCount
                bar?.advance(by: chunk.bytes.count)
            }
            guard position == read.byteCount else {
                throw unexpected("\(position) of \(read.byteCount) bytes came")
            }
        } catch {
            read.source.cancel()
            throw error
        }
    }

    private func unexpected(_ message: String) -> BlobError {
        BlobError(.dataLoss, message, uri: uri, origin: .client)
    }
}
