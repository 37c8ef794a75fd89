import BlobCore
import Glibc

/// Takes the bytes a command prints. Tests collect them in memory.
protocol OutputSink: Sendable {
    /// Writes all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

extension OutputSink {
    /// Writes the UTF-8 of `text`.
    func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }
}

/// Writes to an open descriptor, which it does not own.
struct DescriptorSink: OutputSink {
    let descriptor: CInt
    /// What error messages call it.
    let name: String

    static let standardOutput = DescriptorSink(
        descriptor: STDOUT_FILENO, name: "standard output")
    static let standardError = DescriptorSink(descriptor: STDERR_FILENO, name: "standard error")

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, slice.baseAddress, slice.count)
            if written >= 0 {
                rest = rest.dropFirst(written)
                continue
            }
            switch errno {
            case EINTR: continue
            // A shell may hand down a descriptor that another process made non-blocking.
            case EAGAIN:
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&request, 1, -1)
            case EPIPE: throw BrokenPipe()
            default: throw BlobError.system("write to", name)
            }
        }
    }
}
