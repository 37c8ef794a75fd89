internal import BlobCore

/// How a read begins.
enum FirstRequest: Equatable {
    /// By asking for the size.
    case head
    /// With the value of a `Range` header; `start` is nil for the last bytes of the blob.
    case range(String, start: UInt64?)

    /// Services compute with 63 bits.
    private static let maximumStart: UInt64 = 1 << 62

    /// - Parameter hasSuffixRanges: Whether the service can be asked for the last bytes.
    init(
        _ ranges: [ByteRange], partByteCount: Int, hasSuffixRanges: Bool = true
    ) throws(BlobError) {
        let partByteCount = UInt64(partByteCount)
        switch ranges.first ?? .from(0) {
        case .bounded(let start, let end):
            guard start <= end else {
                throw BlobError(.invalidArgument, "range end \(end) lies before start \(start)")
            }
            guard start < end, start < Self.maximumStart else {
                self = .head
                return
            }
            let last = min(end - 1, start + partByteCount - 1)
            self = .range("bytes=\(start)-\(last)", start: start)
        case .from(let start):
            self =
                start < Self.maximumStart
                ? .range("bytes=\(start)-\(start + partByteCount - 1)", start: start) : .head
        case .suffix(let byteCount):
            self =
                hasSuffixRanges && (1...partByteCount).contains(byteCount)
                ? .range("bytes=-\(byteCount)", start: nil) : .head
        }
    }
}
