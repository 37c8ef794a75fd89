import BlobCore
import Glibc

/// The local side of a download.
enum LocalDestination: Equatable {
    case standardOutput
    /// A device or pipe: written to as it is. Renaming a file over `/dev/null` would destroy it.
    case stream(path: String)
    /// A regular file, there or not.
    case file(path: String)

    /// What `path` means for a download of `uri`; a directory takes the last part of the key.
    init(path: String, uri: BlobURI) throws(BlobError) {
        if path == "-" {
            self = .standardOutput
            return
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw BlobError.system("examine", path)
            }
            guard !path.hasSuffix("/") else { throw BlobError.system("open", path, ENOENT) }
            self = .file(path: path)
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file(path: path)
        case S_IFDIR:
            let name = try Self.fileName(of: uri)
            let file = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            self = try Self.inDirectory(file)
        default: self = .stream(path: path)
        }
    }

    private static func inDirectory(_ path: String) throws(BlobError) -> LocalDestination {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
            return .file(path: path)
        }
        throw BlobError(
            .inputOutput, "\(path) is there and is not a regular file", origin: .client)
    }

    /// The last part of the key. A key is foreign text: `..` must not lead out of the directory.
    private static func fileName(of uri: BlobURI) throws(BlobError) -> String {
        let name = uri.key.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard !name.isEmpty, name != ".", name != ".." else {
            throw BlobError.usage("the key has no last part to name the file after; name the file")
        }
        return String(name)
    }
}
