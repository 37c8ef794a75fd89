internal import Glibc

/// A port of the loopback interface at which nobody listens, and that nobody else gets: for a server
/// that comes later.
public final class ReservedPort: Sendable {
    /// The port on 127.0.0.1.
    public let number: UInt16
    private let descriptor: Int32

    /// Takes a free one.
    public init() throws {
        (descriptor, number) = try Self.bind(to: 0, reuses: true)
    }

    deinit { close(descriptor) }

    /// A socket bound to `port`, and the port it got. Two that both reuse can share a port as long as
    /// the first does not listen.
    static func bind(to port: UInt16, reuses: Bool) throws -> (descriptor: Int32, port: UInt16) {
        let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, stream | Int32(SOCK_CLOEXEC.rawValue), 0)
        var option: Int32 = reuses ? 1 : 0
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &option, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.bind(descriptor, address, length) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else {
            let code = errno
            close(descriptor)
            throw ServerProcessError(description: "no port: errno \(code)")
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}
