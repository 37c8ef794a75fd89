import Glibc

extension RawPeer {
    /// Passes a descriptor; false when the kernel refuses that at once.
    func sendDescriptor() -> Bool {
        let socket = descriptor
        var byte: UInt8 = 0
        return withUnsafeMutableBytes(of: &byte) { data in
            var vector = iovec(iov_base: data.baseAddress, iov_len: 1)
            return withUnsafeMutablePointer(to: &vector) { vector in
                // cmsghdr and one descriptor, laid out as the kernel wants it.
                let control = UnsafeMutableRawPointer.allocate(byteCount: 24, alignment: 8)
                defer { control.deallocate() }
                control.storeBytes(of: 20, as: Int.self)
                control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
                control.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)
                control.storeBytes(of: socket, toByteOffset: 16, as: Int32.self)
                var message = msghdr()
                message.msg_iov = vector
                message.msg_iovlen = 1
                message.msg_control = control
                message.msg_controllen = 24
                return sendmsg(socket, &message, Int32(MSG_NOSIGNAL)) == 1
            }
        }
    }
}
