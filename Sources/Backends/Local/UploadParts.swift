internal import BlobCore
internal import CFileShims
internal import Glibc

/// The parts of a multipart upload as its directory shows them.
extension UploadDirectory {
    /// Where the bytes of a part are.
    enum StoredPart: Sendable, Equatable {
        /// In a file of its own.
        case ownFile(byteCount: UInt64)
        /// In the data file.
        case placed(offset: UInt64, byteCount: UInt64)

        var byteCount: UInt64 {
            switch self {
            case .ownFile(let byteCount), .placed(_, let byteCount): byteCount
            }
        }
    }

    private static let ownFilePrefix = "part-"
    private static let placedPrefix = "placed-"
    private static let placementByteCount = 16

    static func ownFileName(_ partNumber: UInt32) -> String { "\(ownFilePrefix)\(partNumber)" }
    static func placedName(_ partNumber: UInt32) -> String { "\(placedPrefix)\(partNumber)" }

    /// The numbers of the parts uploaded so far, ascending.
    func partNumbers() throws(BlobError) -> [UInt32] {
        var numbers: Set<UInt32> = []
        try DirectoryReader.forEachEntry(of: directory, path: ".", .upload) { name, _ in
            let text = String(decoding: name, as: UTF8.self)
            for prefix in [Self.ownFilePrefix, Self.placedPrefix] where text.hasPrefix(prefix) {
                if let number = UInt32(text.dropFirst(prefix.count)) { numbers.insert(number) }
            }
        }
        return numbers.sorted()
    }

    /// A part; nil when it was never uploaded, or lies in the data file only partly.
    func part(_ partNumber: UInt32) throws(BlobError) -> StoredPart? {
        var status = FileStatus()
        let found = cfile_lstatat(directory.rawValue, Self.ownFileName(partNumber), &status)
        if found == 0 { return .ownFile(byteCount: status.byte_count) }
        if found != -ENOENT { try FileFailure.check(found, "looking at a part", .upload) }
        let descriptor = cfile_openat(
            directory.rawValue, Self.placedName(partNumber), O_RDONLY | O_NOFOLLOW, 0)
        if descriptor == -ENOENT { return nil }
        let file = SharedDescriptor(
            owning: try FileFailure.check(descriptor, "looking at a part", .upload))
        var content = [UInt8](repeating: 0, count: Self.placementByteCount)
        let byteCount = content.withUnsafeMutableBytes {
            cfile_read(file.rawValue, $0.baseAddress, $0.count, 0)
        }
        try FileFailure.check(byteCount, "looking at a part", .upload)
        guard byteCount == Self.placementByteCount else { return nil }
        return content.withUnsafeBytes {
            .placed(
                offset: UInt64(littleEndian: $0.load(fromByteOffset: 0, as: UInt64.self)),
                byteCount: UInt64(littleEndian: $0.load(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// Notes that part `partNumber` is about to be written into the data file. The note stays when the
    /// writing fails: what it left there is no part, and not what an uploader wrote itself.
    func beginPlacement(
        _ partNumber: UInt32, _ durability: LocalDurability
    ) throws(BlobError) {
        let name = Self.placedName(partNumber)
        var status = FileStatus()
        let isReplaced = cfile_lstatat(directory.rawValue, name, &status) == 0
        try replaceFile(name, content: [], durability)
        // Else the note of an earlier part could be back after a power cut, over bytes of this one.
        if isReplaced, durability != .none { try syncDirectory() }
    }

    /// Records that part `partNumber` now lies in the data file. The bytes come first: else a note
    /// could outlive a power cut that they do not, and zeros would be taken for the part.
    func recordPlacement(
        _ partNumber: UInt32, offset: UInt64, byteCount: UInt64, _ durability: LocalDurability
    ) throws(BlobError) {
        var content = withUnsafeBytes(of: offset.littleEndian) { Array($0) }
        content += withUnsafeBytes(of: byteCount.littleEndian) { Array($0) }
        try replaceFile(Self.placedName(partNumber), content: content, durability)
        cfile_unlinkat(directory.rawValue, Self.ownFileName(partNumber), 0)
        if durability == .full { try syncDirectory() }
    }

    /// Makes the finished file `temporaryName`, whose bytes are synced already, part `partNumber`;
    /// replaces an earlier one at once (W-81).
    func adoptPart(
        _ partNumber: UInt32, temporaryName: String, _ durability: LocalDurability
    ) throws(BlobError) {
        try FileFailure.check(
            cfile_renameat(
                directory.rawValue, temporaryName, directory.rawValue,
                Self.ownFileName(partNumber)),
            "storing the part", .upload)
        cfile_unlinkat(directory.rawValue, Self.placedName(partNumber), 0)
        if durability == .full { try syncDirectory() }
    }
}
