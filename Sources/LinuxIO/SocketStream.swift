internal import CLinuxShims
public import Glibc

/// How a transfer on a non-blocking socket ended.
public enum TransferResult: Sendable, Equatable {
    /// So many bytes moved; possibly fewer than asked.
    case transferred(Int)
    /// Nothing can move now: wait for readiness.
    case wouldBlock
    /// The peer will send no more; for `sendFile`, the file is shorter than asked.
    case endOfStream
    /// The connection is broken.
    case failed(SystemError)
}

/// What a receive call brought.
public struct ReceiveResult: Sendable, Equatable {
    /// How the transfer of bytes ended.
    public let transfer: TransferResult

    /// How many descriptors the peer attached although none were agreed on. They are closed
    /// already. Only a few are ever let in; see `isControlTruncated` for more than that.
    public let unexpectedDescriptorCount: Int

    /// Whether the peer attached more than there was room for, or the kernel withheld some.
    public let isControlTruncated: Bool
}

/// Reads and writes of a connected, non-blocking Unix socket. Nothing here allocates.
///
/// The descriptor is borrowed: whoever makes this value keeps the descriptor open.
public struct SocketStream: Sendable {
    /// The socket; not owned.
    public let descriptor: Int32

    private let systemCalls: SystemCalls

    /// Room for the headers of a few descriptors, should a peer send some. It is small on
    /// purpose: the kernel installs no more descriptors than fit, so a peer cannot use up ours.
    private static let controlByteCount = 64

    /// Wraps a connected socket.
    public init(descriptor: Int32, systemCalls: SystemCalls = .live) {
        self.descriptor = descriptor
        self.systemCalls = systemCalls
    }

    /// Receives into one buffer, which must not be empty.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> ReceiveResult {
        assert(!buffer.isEmpty, "an empty receive looks like the end of the stream")
        var vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
            receive(into: UnsafeMutableBufferPointer(start: vector, count: 1))
        }
    }

    /// Receives into several buffers in order. Together they must have room for a byte.
    public func receive(into vectors: UnsafeMutableBufferPointer<iovec>) -> ReceiveResult {
        withUnsafeTemporaryAllocation(byteCount: Self.controlByteCount, alignment: 8) { control in
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = vectors.count
            // A signal may interrupt only before any byte was taken, so a repeat loses nothing.
            let result = retryingInterrupts {
                message.msg_control = control.baseAddress
                message.msg_controllen = control.count
                return systemCalls.receiveMessage(
                    descriptor, &message, clinux_receive_close_on_exec)
            }
            guard result >= 0 else {
                return ReceiveResult(
                    transfer: Self.failure(result, "recvmsg"), unexpectedDescriptorCount: 0,
                    isControlTruncated: false)
            }
            // Nobody has asked for descriptors: closed before anyone can come to depend on them.
            let closed =
                message.msg_controllen > 0 ? clinux_close_received_descriptors(&message) : 0
            return ReceiveResult(
                transfer: result == 0 ? .endOfStream : .transferred(result),
                unexpectedDescriptorCount: Int(closed),
                isControlTruncated: message.msg_flags & clinux_control_truncated != 0)
        }
    }

    /// Sends one buffer. A short count means that the socket is full.
    public func send(
        _ buffer: UnsafeRawBufferPointer, moreFollows: Bool = false
    ) -> TransferResult {
        // iovec has no read-only form; sendmsg does not write through it.
        var vector = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
            send(UnsafeMutableBufferPointer(start: vector, count: 1), moreFollows: moreFollows)
        }
    }

    /// Sends several buffers, in order, in one call; at most 1024 of them.
    ///
    /// A peer that has gone away is `failed` with EPIPE or ECONNRESET, never a signal.
    public func send(
        _ vectors: UnsafeMutableBufferPointer<iovec>, moreFollows: Bool = false
    ) -> TransferResult {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = vectors.count
        let flags = clinux_send_no_signal | (moreFollows ? clinux_send_more_follows : 0)
        let result = retryingInterrupts {
            systemCalls.sendMessage(descriptor, &message, flags)
        }
        return result >= 0 ? .transferred(result) : Self.failure(result, "sendmsg")
    }

    /// Sends part of a file without copying it through this process.
    ///
    /// sendfile(2) knows no MSG_NOSIGNAL. The threads of this module block SIGPIPE; call this on
    /// another thread only if the process ignores it.
    public func sendFile(descriptor file: Int32, offset: Int64, byteCount: Int) -> TransferResult {
        assert(byteCount > 0, "an empty transfer looks like the end of the file")
        let result = retryingInterrupts {
            systemCalls.sendFile(descriptor, file, offset, byteCount)
        }
        if result > 0 { return .transferred(result) }
        return result == 0 ? .endOfStream : Self.failure(result, "sendfile")
    }

    /// Tells the peer that no more bytes will come; bytes can still be received.
    public func shutdownWriting() throws(SystemError) {
        try checked(clinux_shutdown(descriptor, Int32(SHUT_WR)), "shutdown")
    }

    private static func failure(_ result: Int, _ operation: String) -> TransferResult {
        if result == -Int(EAGAIN) { return .wouldBlock }
        return .failed(SystemError(result: result, operation: operation))
    }
}
