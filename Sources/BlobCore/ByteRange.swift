/// Which bytes of a blob are wanted. Offsets count from zero; `end` is exclusive.
///
/// `[a, a)` is a legal, empty range. It never stands for the whole blob.
public enum ByteRange: Sendable, Hashable {
    /// The bytes from `start` up to but not including `end`; cut off at the end of the blob.
    case bounded(start: UInt64, end: UInt64)
    /// Everything from `start` on.
    case from(UInt64)
    /// The last `byteCount` bytes; the whole blob when it is shorter.
    case suffix(UInt64)

    /// The bytes this range names in a blob of `size` bytes (protocol.md, rule W-71).
    ///
    /// A range that starts at zero is empty in an empty blob; one of no bytes is empty in any blob.
    ///
    /// - Throws: `invalidArgument` when `end` lies before `start`; `rangeNotSatisfiable` (with
    ///   `size` in `objectByteCount`) when the range starts at or past the end.
    public func resolved(size: UInt64) throws(BlobError) -> Range<UInt64> {
        switch self {
        case .bounded(let start, let end):
            guard start <= end else {
                throw BlobError(.invalidArgument, "range end \(end) lies before start \(start)")
            }
            if start == end { return min(start, size)..<min(start, size) }
            return try from(start, upTo: min(end, size), size: size)
        case .from(let start):
            return try from(start, upTo: size, size: size)
        case .suffix(let byteCount):
            return (size - min(byteCount, size))..<size
        }
    }

    private func from(
        _ start: UInt64, upTo end: UInt64, size: UInt64
    ) throws(BlobError) -> Range<UInt64> {
        if start == 0 && size == 0 { return 0..<0 }
        guard start < size else {
            var error = BlobError(
                .rangeNotSatisfiable, "range starts at \(start) but the blob has \(size) bytes")
            error.objectByteCount = size
            throw error
        }
        return start..<end
    }
}
