public import BlobCore
internal import CFileShims

extension LocalFileSource {
    /// Brings the bytes at `range` into the page cache, so that sendfile(2) does not wait for the
    /// disk. Costs one call on the caller's thread when they are there already, and a step on the
    /// blocking pool when they are not.
    ///
    /// Only the last byte is asked for: the kernel reads ahead in order, so where the end is the
    /// rest is too, or sendfile waits a moment. That is a trade, not a promise.
    public func makeResident(_ range: Range<UInt64>) async throws(BlobError) {
        guard !range.isEmpty else { return }
        let descriptor = fileRegions.descriptor
        var probe: UInt8 = 0
        if cfile_read_cached(descriptor.rawValue, &probe, 1, range.upperBound - 1) > 0 { return }
        try await hops.run(on: uri) { () throws(BlobError) in
            Self.readThrough(descriptor, range)
        }
    }

    /// Reads the range once into a scratch buffer; errors show up again when it is sent.
    private static func readThrough(_ descriptor: SharedDescriptor, _ range: Range<UInt64>) {
        withUnsafeTemporaryAllocation(byteCount: 128 << 10, alignment: 16) { scratch in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let wanted = Int(min(UInt64(scratch.count), range.upperBound - offset))
                let count = cfile_read(descriptor.rawValue, scratch.baseAddress, wanted, offset)
                guard count > 0 else { return }
                offset += UInt64(count)
            }
        }
    }
}
