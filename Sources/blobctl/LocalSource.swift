import BlobCore
import Glibc

/// The local side of an upload.
enum LocalSource {
    /// The content of `path`, or of standard input for `-`.
    ///
    /// - Parameter range: The stretch to send; only regular files have one.
    static func body(path: String, range: ByteRange? = nil) throws(BlobError) -> BlobBody {
        if path == "-" {
            guard range == nil else { throw rangeOfStream("standard input") }
            return .stream(
                StreamByteSource(borrowing: STDIN_FILENO, name: "standard input"), byteCount: nil)
        }
        let file = try OpenFile(path: path, flags: O_RDONLY)
        let status = try file.status()
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFDIR else {
            throw BlobError(
                .inputOutput, "\(path) is a directory; name one file", origin: .client)
        }
        if kind == S_IFREG, try hasKnownSize(file, status) {
            let source = try FileByteSource(file: file, range: range)
            return .stream(source, byteCount: UInt64(source.range.count))
        }
        guard range == nil else { throw rangeOfStream(path) }
        return .stream(StreamByteSource(file: file), byteCount: nil)
    }

    /// Whether the size of a regular file is true: files in /proc claim none and yet have bytes.
    private static func hasKnownSize(_ file: OpenFile, _ status: stat) throws(BlobError) -> Bool {
        if status.st_size > 0 { return true }
        var byte: UInt8 = 0
        return try withUnsafeMutableBytes(of: &byte) { (buffer) throws(BlobError) in
            try file.read(into: buffer, at: 0) == 0
        }
    }

    private static func rangeOfStream(_ name: String) -> BlobError {
        .usage("--range needs a regular file; \(name) is none")
    }
}
