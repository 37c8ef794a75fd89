/// How to cut a blob of known size into the parts of a multipart upload: 100 MiB each for the first
/// 100, then 1 GiB each, the last one as long as what is left.
///
/// The sizes change where a store has it otherwise: no part is larger than its largest nor, but for
/// the last, smaller than its smallest. A plan is a collection of byte ranges, and part `n` is its
/// element `n - 1`; it takes no memory for them.
public struct ChunkPlan: Sendable, Hashable {
    /// The size of the first parts in bytes, where the store takes it.
    public static let firstPartByteCount: UInt64 = 100 << 20
    /// How many parts have that size.
    public static let firstPartCount: UInt64 = 100
    /// The size of the later parts in bytes, where the store takes it.
    public static let laterPartByteCount: UInt64 = 1 << 30

    /// The size of the blob in bytes.
    public let byteCount: UInt64

    private let firstByteCount: UInt64
    private let laterByteCount: UInt64
    private let partCount: Int

    /// Plans a blob of `byteCount` bytes within `limits`.
    ///
    /// - Throws: `tooLarge`, naming the limit, when that many bytes do not fit.
    public init(byteCount: UInt64, limits: Capabilities.Limits) throws(BlobError) {
        guard byteCount <= limits.maximumBlobByteCount else {
            throw Self.tooLarge(
                byteCount, "the largest blob of this store has \(limits.maximumBlobByteCount)")
        }
        self.byteCount = byteCount
        firstByteCount = Self.partByteCount(Self.firstPartByteCount, limits)
        laterByteCount = Self.partByteCount(Self.laterPartByteCount, limits)
        guard firstByteCount > 0 else {
            throw Self.tooLarge(byteCount, "this store takes no parts")
        }
        // An empty blob has one part, which is empty.
        let count = Swift.max(1, Self.partCount(byteCount, firstByteCount, laterByteCount))
        guard count <= UInt64(limits.maximumPartCount) else {
            throw Self.tooLarge(
                byteCount,
                "that is \(count) parts and this store takes \(limits.maximumPartCount)")
        }
        // Fits: the limit is a number of 32 bits.
        partCount = Int(count)
    }

    private static func partByteCount(
        _ preferred: UInt64, _ limits: Capabilities.Limits
    ) -> UInt64 {
        Swift.min(Swift.max(preferred, limits.minimumPartByteCount), limits.maximumPartByteCount)
    }

    private static func partCount(
        _ byteCount: UInt64, _ firstByteCount: UInt64, _ laterByteCount: UInt64
    ) -> UInt64 {
        // No overflow where it counts: more than any blob has is the same as enough.
        let (inFirst, overflow) = firstByteCount.multipliedReportingOverflow(by: firstPartCount)
        guard !overflow, byteCount > inFirst else { return quotient(byteCount, firstByteCount) }
        return firstPartCount + quotient(byteCount - inFirst, laterByteCount)
    }

    /// Rounded up.
    private static func quotient(_ byteCount: UInt64, _ partByteCount: UInt64) -> UInt64 {
        byteCount / partByteCount + (byteCount % partByteCount == 0 ? 0 : 1)
    }

    private static func tooLarge(_ byteCount: UInt64, _ reason: String) -> BlobError {
        BlobError(.tooLarge, "\(byteCount) bytes are too many: \(reason)", origin: .client)
    }
}

extension ChunkPlan: RandomAccessCollection {
    /// The first part.
    public var startIndex: Int { 0 }

    /// How many parts there are: one at least, for an empty blob is an empty part.
    public var endIndex: Int { partCount }

    /// The bytes of the part with the number `position + 1`.
    public subscript(position: Int) -> Range<UInt64> {
        precondition(indices.contains(position), "no part \(position + 1)")
        let start = start(of: UInt64(position))
        let end = position == partCount - 1 ? byteCount : self.start(of: UInt64(position) + 1)
        return start..<end
    }

    private func start(of index: UInt64) -> UInt64 {
        let firstCount = Swift.min(index, Self.firstPartCount)
        return firstCount * firstByteCount + (index - firstCount) * laterByteCount
    }
}
