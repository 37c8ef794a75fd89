internal import Backends
internal import BlobCore
internal import BlobWire

/// What the server puts into DATA frames: bytes, or a region of a file for sendfile(2).
enum ServerPayload: OutboundPayload {
    case bytes(Bytes)
    case file(SharedDescriptor, offset: UInt64, byteCount: Int)

    var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, _, let byteCount): byteCount
        }
    }

    mutating func takePrefix(_ prefixByteCount: Int) -> ServerPayload {
        switch self {
        case .bytes(var bytes):
            let prefix = bytes.takePrefix(prefixByteCount)
            self = .bytes(bytes)
            return .bytes(prefix)
        case .file(let descriptor, let offset, let byteCount):
            let taken = min(prefixByteCount, byteCount)
            self = .file(
                descriptor, offset: offset + UInt64(taken), byteCount: byteCount - taken)
            return .file(descriptor, offset: offset, byteCount: taken)
        }
    }
}
