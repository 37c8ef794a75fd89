internal import BlobCore
internal import CFileShims
internal import Glibc

/// What the store needs to know of a file, as the kernel told it.
typealias FileStatus = cfile_stat

extension cfile_stat {
    var isRegularFile: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
    var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    var isSymbolicLink: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFLNK) }

    /// `"inode-modified-changed-size"` in hexadecimal, with the quotes (FS-08).
    ///
    /// The inode tells replaced files apart, the size and the times files changed in place. The
    /// change time is there because `touch` can set the modification time back but never that one.
    var etag: String {
        String(unsafeUninitializedCapacity: 4 * 16 + 5) { target in
            target[0] = UInt8(ascii: "\"")
            // Spelled out rather than in a loop over an array, which would be an allocation more.
            var position = HexText.write(inode, to: target, at: 1)
            position = HexText.writeNext(
                UInt64(bitPattern: modified_nanoseconds), to: target, at: position)
            position = HexText.writeNext(
                UInt64(bitPattern: changed_nanoseconds), to: target, at: position)
            position = HexText.writeNext(byte_count, to: target, at: position)
            target[position] = UInt8(ascii: "\"")
            return position + 1
        }
    }

    /// When the file was last written, rounded down to milliseconds.
    var lastModified: Timestamp {
        let milliseconds = modified_nanoseconds / 1_000_000
        let roundedUp = modified_nanoseconds % 1_000_000 < 0
        return Timestamp(milliseconds: roundedUp ? milliseconds - 1 : milliseconds)
    }

    /// Refuses everything that is not a regular file (FS-11); a directory is no blob (FS-05).
    func requireRegularFile() throws(BlobError) {
        if isRegularFile { return }
        if isDirectory { throw FileFailure.error(EISDIR, "opening the blob", .read) }
        throw BlobError(.permissionDenied, FileFailure.notRegular, origin: .backend)
    }

    /// Whether the bytes of the file are still those of `earlier`, the same open file.
    ///
    /// The change time is left out: replacing or renaming the file changes it and no byte (FS-07).
    func hasSameBytes(as earlier: cfile_stat) -> Bool {
        inode == earlier.inode && modified_nanoseconds == earlier.modified_nanoseconds
            && byte_count == earlier.byte_count
    }

    static func of(_ descriptor: SharedDescriptor) throws(BlobError) -> cfile_stat {
        var status = cfile_stat()
        try FileFailure.check(cfile_fstat(descriptor.rawValue, &status), "fstat", .write)
        return status
    }
}
