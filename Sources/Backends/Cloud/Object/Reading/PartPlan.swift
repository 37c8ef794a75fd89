/// Cuts the ranges of a read into the parts it is fetched in.
struct PartPlan: Sendable {
    private let ranges: [Range<UInt64>]
    private let partByteCount: UInt64
    private var index = 0
    private var offset: UInt64 = 0

    init(ranges: [Range<UInt64>], partByteCount: Int) {
        self.ranges = ranges
        self.partByteCount = UInt64(partByteCount)
    }

    /// The next part, never empty, of at most `maximumByteCount`; nil after the last.
    mutating func next(maximumByteCount: UInt64? = nil) -> Range<UInt64>? {
        while index < ranges.count {
            let range = ranges[index]
            let start = range.lowerBound + offset
            guard start < range.upperBound else {
                index += 1
                offset = 0
                continue
            }
            let byteCount = min(
                range.upperBound - start, maximumByteCount ?? partByteCount)
            offset += byteCount
            return start..<(start + byteCount)
        }
        return nil
    }
}
