public import BlobCore
internal import Glibc

/// Bytes on their way into a socket: runs of memory and regions of files, written in order, with
/// what is left of a partial write.
public struct SocketOutput {
    /// How far a write got.
    public enum Progress: Sendable {
        /// Everything is in the kernel.
        case finished(byteCount: Int)
        /// The socket is full; wait until it is writable.
        case blocked(byteCount: Int)
        /// The connection is broken.
        case failed(SystemError)
    }

    private enum Run {
        case memory(Bytes)
        case file(descriptor: Int32, offset: UInt64, byteCount: Int, owner: any Sendable)
    }

    private var runs: [Run] = []
    private var head = 0

    /// The most buffers handed to the kernel in one call.
    private static let maximumVectorCount = 128

    /// Nothing to write.
    public init() {}

    /// Whether everything was written.
    public var isEmpty: Bool { head == runs.count }

    /// Adds bytes.
    public mutating func append(_ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        runs.append(.memory(bytes))
    }

    /// Adds a region of a file whose descriptor `owner` keeps open.
    ///
    /// Where the file has become shorter, zeros are written in the place of what is missing: the
    /// frame around it was announced already. The caller must check the file afterwards.
    public mutating func append(
        file descriptor: Int32, offset: UInt64, byteCount: Int, owner: any Sendable
    ) {
        guard byteCount > 0 else { return }
        runs.append(
            .file(descriptor: descriptor, offset: offset, byteCount: byteCount, owner: owner))
    }

    /// Writes as much as the socket takes.
    public mutating func write(to socket: SocketStream) -> Progress {
        var total = 0
        while head < runs.count {
            let result: TransferResult
            let wanted: Int
            if case .file(let descriptor, let offset, let byteCount, _) = runs[head] {
                wanted = byteCount
                result = socket.sendFile(
                    descriptor: descriptor, offset: Int64(clamping: offset), byteCount: byteCount)
            } else {
                (result, wanted) = sendMemory(to: socket)
            }
            switch result {
            case .transferred(let byteCount):
                total += byteCount
                advance(byteCount)
                // A short send has filled the socket: trying again would only cost a call.
                if byteCount < wanted, case .memory? = runs.dropFirst(head).first {
                    return .blocked(byteCount: total)
                }
            case .wouldBlock: return .blocked(byteCount: total)
            case .endOfStream: replaceFileByZeros()
            case .failed(let error): return .failed(error)
            }
        }
        runs.removeAll(keepingCapacity: true)
        head = 0
        return .finished(byteCount: total)
    }

    private func sendMemory(to socket: SocketStream) -> (TransferResult, wanted: Int) {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.maximumVectorCount) {
            vectors in
            var count = 0
            var wanted = 0
            var moreFollows = false
            for run in runs[head...] {
                guard count < vectors.count, case .memory(let bytes) = run else {
                    moreFollows = true
                    break
                }
                // The pointer outlives the closure, but not this method, and `runs` holds the bytes.
                // iovec has no read-only form; sendmsg does not write through it.
                vectors[count] = bytes.withUnsafeBytes { memory in
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: memory.baseAddress),
                        iov_len: memory.count)
                }
                count += 1
                wanted += bytes.count
            }
            let filled = UnsafeMutableBufferPointer(rebasing: vectors[..<count])
            return (socket.send(filled, moreFollows: moreFollows), wanted)
        }
    }

    private mutating func advance(_ byteCount: Int) {
        var rest = byteCount
        while rest > 0, head < runs.count {
            switch runs[head] {
            case .memory(let bytes):
                if bytes.count > rest {
                    runs[head] = .memory(bytes.dropFirst(rest))
                    return
                }
                rest -= bytes.count
            case .file(let descriptor, let offset, let fileByteCount, let owner):
                if fileByteCount > rest {
                    runs[head] = .file(
                        descriptor: descriptor, offset: offset + UInt64(rest),
                        byteCount: fileByteCount - rest, owner: owner)
                    return
                }
                rest -= fileByteCount
            }
            // Lets the memory or descriptor go as early as possible.
            runs[head] = .memory(Bytes())
            head += 1
        }
    }

    private mutating func replaceFileByZeros() {
        guard case .file(_, _, let byteCount, _) = runs[head] else { return }
        runs[head] = .memory(
            Bytes(capacity: byteCount) { memory in
                memory.initializeMemory(as: UInt8.self, repeating: 0)
                return byteCount
            })
    }
}

extension SocketStream {
    /// Receives into `first` and, when that is full, into `second`, which may be empty.
    public func receive(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) -> ReceiveResult {
        if second.isEmpty { return receive(into: first) }
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
            vectors[0] = iovec(iov_base: first.baseAddress, iov_len: first.count)
            vectors[1] = iovec(iov_base: second.baseAddress, iov_len: second.count)
            return receive(into: vectors)
        }
    }
}
