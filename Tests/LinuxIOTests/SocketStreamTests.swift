import CLinuxShims
import Glibc
import Synchronization
import Testing

@testable import LinuxIO

@Suite struct SocketStreamTests {
    private let near: OwnedDescriptorBox
    private let far: OwnedDescriptorBox

    init() throws {
        var pair = try SocketPair()
        near = try OwnedDescriptorBox(pair.takeFirst())
        far = try OwnedDescriptorBox(pair.takeSecond())
    }

    private func stream(_ calls: SystemCalls = .live) -> SocketStream {
        SocketStream(descriptor: near.number, systemCalls: calls)
    }

    private var peer: SocketStream { SocketStream(descriptor: far.number) }

    @Test func eachEndOfAPairIsHandedOutOnce() throws {
        var pair = try SocketPair()
        let first = OwnedDescriptorBox(try pair.takeFirst())
        #expect(throws: SystemError.self) { _ = OwnedDescriptorBox(try pair.takeFirst()) }
        let second = OwnedDescriptorBox(try pair.takeSecond())
        let error = #expect(throws: SystemError.self) {
            _ = OwnedDescriptorBox(try pair.takeSecond())
        }
        #expect(error?.errorNumber == EBADF)
        #expect(first.number != second.number)
    }

    @Test func bytesArrive() {
        #expect(sendBytes([1, 2, 3], to: stream()) == .transferred(3))
        let (result, bytes) = receiveBytes(16, from: peer)
        #expect(bytes == [1, 2, 3])
        #expect(result.unexpectedDescriptorCount == 0 && !result.isControlTruncated)
        #expect(receiveBytes(16, from: peer).result.transfer == .wouldBlock)
    }

    @Test func severalBuffersInOneCall() {
        var sent: [UInt8] = [1, 2, 3, 4, 5]
        let result = sent.withUnsafeMutableBytes { bytes in
            var vectors = [
                iovec(iov_base: bytes.baseAddress, iov_len: 2),
                iovec(iov_base: bytes.baseAddress?.advanced(by: 2), iov_len: 3),
            ]
            return vectors.withUnsafeMutableBufferPointer { stream().send($0, moreFollows: true) }
        }
        #expect(result == .transferred(5))
        var received = [UInt8](repeating: 0, count: 8)
        let transfer = received.withUnsafeMutableBytes { bytes in
            var vectors = [
                iovec(iov_base: bytes.baseAddress, iov_len: 1),
                iovec(iov_base: bytes.baseAddress?.advanced(by: 1), iov_len: 7),
            ]
            return vectors.withUnsafeMutableBufferPointer { peer.receive(into: $0).transfer }
        }
        #expect(transfer == .transferred(5))
        #expect(received == [1, 2, 3, 4, 5, 0, 0, 0])
    }

    @Test func fullSocketWouldBlock() throws {
        try SocketOptions.requestSendBuffer(byteCount: 4096, descriptor: near.number)
        let block = [UInt8](repeating: 7, count: 65536)
        var total = 0
        while case .transferred(let count) = sendBytes(block, to: stream()) { total += count }
        #expect(sendBytes([1], to: stream()) == .wouldBlock)
        #expect(total > 0)
    }

    @Test func interruptedThreeTimes() {
        let interrupts = Script([-Int(EINTR), -Int(EINTR), -Int(EINTR), nil])
        var calls = SystemCalls.live
        calls.sendMessage = { socket, message, flags in
            interrupts.next() ?? SystemCalls.live.sendMessage(socket, message, flags)
        }
        #expect(sendBytes([1, 2], to: stream(calls)) == .transferred(2))
        #expect(interrupts.remaining == 0)

        let more = Script([-Int(EINTR), -Int(EINTR), -Int(EINTR), nil])
        calls.receiveMessage = { socket, message, flags in
            more.next() ?? SystemCalls.live.receiveMessage(socket, message, flags)
        }
        #expect(sendBytes([9], to: peer) == .transferred(1))
        #expect(receiveBytes(4, from: stream(calls)).bytes == [9])
        #expect(more.remaining == 0)

        let third = Script([-Int(EINTR), -Int(EINTR), -Int(EINTR), 5])
        calls.sendFile = { _, _, _, _ in third.next() ?? 0 }
        let result = stream(calls).sendFile(descriptor: 0, offset: 0, byteCount: 5)
        #expect(result == .transferred(5))
    }

    @Test func injectedFailuresAreReported() {
        var calls = SystemCalls.live
        calls.sendMessage = { _, _, _ in -Int(EAGAIN) }
        calls.receiveMessage = { _, _, _ in -Int(ECONNRESET) }
        calls.sendFile = { _, _, _, _ in -Int(EPIPE) }
        #expect(sendBytes([1], to: stream(calls)) == .wouldBlock)
        let reset = SystemError(errorNumber: ECONNRESET, operation: "recvmsg")
        #expect(receiveBytes(1, from: stream(calls)).result.transfer == .failed(reset))
        let broken = SystemError(errorNumber: EPIPE, operation: "sendfile")
        #expect(
            stream(calls).sendFile(descriptor: 0, offset: 0, byteCount: 1) == .failed(broken))
    }

    @Test func shortTransfersMoveEverythingInTheEnd() {
        var calls = SystemCalls.live
        calls.sendMessage = { socket, message, flags in
            var short = message.pointee
            guard var vector = short.msg_iov?.pointee else { return -Int(EINVAL) }
            vector.iov_len = min(vector.iov_len, 3)
            return withUnsafeMutablePointer(to: &vector) { pointer in
                short.msg_iov = pointer
                return SystemCalls.live.sendMessage(socket, &short, flags)
            }
        }
        calls.receiveMessage = { socket, message, flags in
            message.pointee.msg_iov?.pointee.iov_len = 1
            return SystemCalls.live.receiveMessage(socket, message, flags)
        }
        let bytes: [UInt8] = Array(0..<50)
        var sent = 0
        while sent < bytes.count,
            case .transferred(let count) = sendBytes(Array(bytes[sent...]), to: stream(calls))
        {
            #expect(count <= 3)
            sent += count
        }
        let shortPeer = SocketStream(descriptor: far.number, systemCalls: calls)
        var received: [UInt8] = []
        while received.count < bytes.count {
            let part = receiveBytes(64, from: shortPeer).bytes
            guard part.count == 1 else { break }
            received += part
        }
        #expect(received == bytes)
    }

    @Test func peerThatIsGoneIsEndOfStreamAndBrokenPipe() {
        #expect(sendBytes([1], to: peer) == .transferred(1))
        far.close()
        #expect(receiveBytes(4, from: stream()).bytes == [1])
        #expect(receiveBytes(4, from: stream()).result.transfer == .endOfStream)
        let broken = SystemError(errorNumber: EPIPE, operation: "sendmsg")
        #expect(sendBytes([1], to: stream()) == .failed(broken))
    }

    /// A Unix peer that closes with bytes unread resets the connection.
    @Test func peerReset() {
        #expect(sendBytes([1, 2, 3], to: stream()) == .transferred(3))
        far.close()
        let reset = SystemError(errorNumber: ECONNRESET, operation: "recvmsg")
        #expect(receiveBytes(4, from: stream()).result.transfer == .failed(reset))
    }

    @Test func fileIsSentFromAnOffset() throws {
        let directory = try TemporaryDirectory()
        let file = OwnedDescriptorBox(
            OwnedDescriptor(owning: open(directory.file("data"), O_RDWR | O_CREAT, 0o600)))
        #expect(write(file.number, "0123456789", 10) == 10)
        let result = stream().sendFile(descriptor: file.number, offset: 4, byteCount: 3)
        #expect(result == .transferred(3))
        #expect(receiveBytes(16, from: peer).bytes == Array("456".utf8))
        #expect(
            stream().sendFile(descriptor: file.number, offset: 10, byteCount: 3) == .endOfStream)
    }

    @Test func unexpectedDescriptorsAreClosedAndCounted() throws {
        // One end of a pair travels: once the sender's copy is closed, the other end sees the
        // end of the stream, unless a received copy was kept open.
        var pair = try SocketPair()
        let reader = try OwnedDescriptorBox(pair.takeFirst())
        let writer = try OwnedDescriptorBox(pair.takeSecond())
        #expect(clinux_send_descriptors(far.number, writer.number, 3) == 1)
        let few = receiveBytes(8, from: stream()).result
        #expect(few.transfer == .transferred(1))
        #expect(few.unexpectedDescriptorCount == 3 && !few.isControlTruncated)

        #expect(clinux_send_descriptors(far.number, writer.number, 253) == 1)
        let many = receiveBytes(8, from: stream()).result
        #expect(many.isControlTruncated)
        #expect(many.unexpectedDescriptorCount < 16)
        writer.close()
        let left = receiveBytes(1, from: SocketStream(descriptor: reader.number)).result
        #expect(left.transfer == .endOfStream)
    }

    @Test func descriptorsCanBeRefused() throws {
        guard try SocketOptions.refuseDescriptors(descriptor: near.number) else { return }
        #expect(clinux_send_descriptors(far.number, far.number, 1) == -EPERM)
    }

    @Test func buffersAndCredentials() throws {
        let granted = try SocketOptions.requestSendBuffer(
            byteCount: 65536, descriptor: near.number)
        #expect(granted >= 65536)
        try SocketOptions.requestReceiveBuffer(byteCount: 65536, descriptor: near.number)
        let credentials = try PeerCredentials(ofSocket: near.number)
        #expect(credentials.processID == getpid())
        #expect(credentials.userID == geteuid())
        #expect(credentials.groupID == getegid())
        if let process = try PeerCredentials.processDescriptor(ofSocket: near.number) {
            #expect(fcntl(process.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        }
    }
}

/// An owner that tests can share and close early.
final class OwnedDescriptorBox: Sendable {
    let number: Int32
    private let owned: Mutex<OwnedDescriptor?>

    init(_ descriptor: consuming OwnedDescriptor) {
        number = descriptor.rawValue
        owned = Mutex(consume descriptor)
    }

    func close() {
        owned.withLock { owned in owned = nil }
    }
}
