internal import BlobCore
internal import CFileShims

/// How a blob will be made from the parts that a completion lists, decided before anything is
/// touched (FS-10, W-83).
enum UploadPlan: Sendable, Equatable {
    /// A file of the upload directory is the blob.
    case rename(fileName: String)
    /// These files of the upload directory, one after the other.
    case concatenate(fileNames: [String])

    init(_ parts: [UploadedPart], in upload: UploadDirectory) throws(BlobError) {
        try Self.checkOrder(parts)
        var stored: [(part: UploadedPart, stored: UploadDirectory.StoredPart)] = []
        var missing: UInt32?
        for part in parts {
            guard let found = try upload.part(part.partNumber) else {
                missing = missing ?? part.partNumber
                continue
            }
            if let byteCount = part.byteCount, byteCount != found.byteCount {
                throw Self.failure(
                    "part \(part.partNumber) has \(found.byteCount) bytes, not \(byteCount)")
            }
            stored.append((part, found))
        }
        if let missing {
            guard stored.isEmpty, try upload.partNumbers().isEmpty else {
                throw Self.failure("part \(missing) was never uploaded")
            }
            try Self.checkSharedFile(parts, upload)
            self = .rename(fileName: UploadDirectory.dataName)
            return
        }
        let placed = stored.compactMap { Self.placement($0.stored) }
        if placed.isEmpty {
            let fileNames = stored.map { UploadDirectory.ownFileName($0.part.partNumber) }
            self =
                fileNames.count == 1
                ? .rename(fileName: fileNames[0]) : .concatenate(fileNames: fileNames)
            return
        }
        guard placed.count == stored.count else {
            throw Self.failure("give either every part an offset or none")
        }
        try Self.checkPlacements(placed, upload)
        self = .rename(fileName: UploadDirectory.dataName)
    }

    /// Ascending and without repetition, within the numbers there are.
    private static func checkOrder(_ parts: [UploadedPart]) throws(BlobError) {
        var last: UInt32 = 0
        for part in parts {
            guard part.partNumber > last else {
                throw failure("part \(part.partNumber) follows part \(last); sort the parts")
            }
            guard part.partNumber <= UploadRules.maximumPartCount else {
                throw failure("there is no part \(part.partNumber); numbers end at 10000")
            }
            last = part.partNumber
        }
    }

    /// Parts that an uploader wrote into the shared file itself leave no record: only their sum can
    /// be checked.
    private static func checkSharedFile(
        _ parts: [UploadedPart], _ upload: UploadDirectory
    ) throws(BlobError) {
        let size = try dataByteCount(upload)
        var sum: UInt64 = 0
        for part in parts {
            guard let byteCount = part.byteCount else {
                if size > 0 { return }
                throw failure("part \(part.partNumber) was never uploaded")
            }
            let (next, overflow) = sum.addingReportingOverflow(byteCount)
            guard !overflow else { throw failure("the parts are larger than any file") }
            sum = next
        }
        guard sum == size else {
            throw failure("the parts have \(sum) bytes together but \(size) were written")
        }
    }

    /// Each part begins where the one before ends: neither holes nor overlaps.
    private static func checkPlacements(
        _ placed: [(offset: UInt64, byteCount: UInt64)], _ upload: UploadDirectory
    ) throws(BlobError) {
        var end: UInt64 = 0
        for (offset, byteCount) in placed {
            guard offset == end else {
                throw failure("a part begins at \(offset) but the one before it ends at \(end)")
            }
            let (next, overflow) = end.addingReportingOverflow(byteCount)
            guard !overflow else { throw failure("the parts are larger than any file") }
            end = next
        }
        let size = try dataByteCount(upload)
        guard size == end else {
            throw failure("the parts have \(end) bytes together but \(size) were written")
        }
    }

    private static func dataByteCount(_ upload: UploadDirectory) throws(BlobError) -> UInt64 {
        var status = FileStatus()
        try FileFailure.check(
            cfile_lstatat(upload.directory.rawValue, UploadDirectory.dataName, &status),
            "looking at the upload", .upload)
        return status.byte_count
    }

    private static func placement(
        _ stored: UploadDirectory.StoredPart
    ) -> (offset: UInt64, byteCount: UInt64)? {
        guard case .placed(let offset, let byteCount) = stored else { return nil }
        return (offset, byteCount)
    }

    private static func failure(_ reason: String) -> BlobError {
        BlobError(
            .multipart, "the upload cannot be completed: \(reason); nothing was changed",
            origin: .backend)
    }
}
