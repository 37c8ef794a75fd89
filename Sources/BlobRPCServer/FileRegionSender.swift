internal import Backends
internal import BlobCore
internal import BlobWire

/// Sends regions of an open file without copying them through this process.
///
/// The loop must not wait for a disk: a window that is not in the page cache is read ahead by the
/// blocking pool first, and only then handed to sendfile(2).
struct FileRegionSender {
    let call: Call
    let tellsOffsets: Bool

    /// Bytes checked for residency and queued at a time.
    private static let windowByteCount: UInt64 = 1 << 20

    func send(
        _ file: LocalFileSource, on session: isolated ServerSession
    ) async throws(BlobError) {
        let descriptor = file.fileRegions.descriptor
        for region in file.fileRegions.regions {
            var offset = region.lowerBound
            while offset < region.upperBound {
                let end = min(offset + Self.windowByteCount, region.upperBound)
                try await file.makeResident(offset..<end)
                let isWanted = try await session.send(
                    .file(
                        FileRegion(
                            descriptor: descriptor.rawValue, offset: offset,
                            byteCount: Int(end - offset), owner: descriptor)),
                    offset: tellsOffsets ? offset : nil, of: call)
                guard isWanted else { return }
                offset = end
            }
        }
        // The kernel reads the file when it sends: only after that can the bytes be vouched for.
        try await session.waitUntilWritten(call)
        try file.fileRegions.verifyUnchanged()
    }
}
