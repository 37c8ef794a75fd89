public import Foundation

/// A directory of its own for one test, removed with everything in it when the test lets go of it.
public final class TemporaryDirectory: Sendable {
    /// The absolute path, without symbolic links and without a trailing slash.
    public let path: String

    /// Creates the directory below `parent`.
    public init(in parent: String = "/tmp") throws {
        path = "\(parent)/blobrpc-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file below the directory, creating its parents.
    public func write(_ text: String, to relativePath: String) throws {
        let file = URL(fileURLWithPath: "\(path)/\(relativePath)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// The text of a file below the directory; nil when there is none.
    public func text(of relativePath: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(relativePath)")
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The names in a directory below this one, sorted; empty when it does not exist.
    public func names(in relativePath: String = "") -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(relativePath)")
        return (names ?? []).sorted()
    }

    /// The size of a file below the directory; nil when there is none.
    public func byteCount(of relativePath: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: "\(path)/\(relativePath)")
        return (attributes?[.size] as? NSNumber)?.intValue
    }

    /// Sets when a file or directory was last changed, for tests that would have to wait otherwise.
    public func setModified(_ relativePath: String, to date: Date) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: date], ofItemAtPath: "\(path)/\(relativePath)")
    }

    /// Whether a file or directory of that name exists.
    public func has(_ relativePath: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(relativePath)")
    }
}

extension TemporaryDirectory {
    /// The notes of uploads under way in the journal at `path`, of all processes.
    public func uploadNotes(in path: String) -> [String] {
        names(in: path).flatMap { session in
            names(in: "\(path)/\(session)").filter { $0 != "owner" }
        }
    }
}
