import BlobCore
import Foundation

/// Files of the repository that tests read.
enum Repository {
    static let root: URL = {
        var url = URL(filePath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url
    }()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// All files under `folder`, by name.
    static func files(under folder: String) -> [URL] {
        let enumerator = FileManager.default.enumerator(
            at: root.appending(path: folder), includingPropertiesForKeys: nil)
        let all = (enumerator?.allObjects ?? []).compactMap { $0 as? URL }
        return all.filter { !$0.hasDirectoryPath }.sorted { $0.path < $1.path }
    }
}

/// `protocol.md`, cut into what tests need.
struct ProtocolDocument {
    let text: String

    init() throws {
        text = try Repository.text("protocol.md")
    }

    /// The ids of all rules, in order of their definition.
    var rules: [String] {
        text.matches(of: #/- \*\*(W-[0-9]{2,3})\*\* /#).map { String($0.output.1) }
    }

    /// The hex examples by name; whatever follows `#` in a line is a comment.
    var examples: [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for match in text.matches(of: #/```hex ([a-z-]+)\n((?:[^`]*\n)?)```/#) {
            result[String(match.output.1)] = bytes(hex: String(match.output.2))
        }
        return result
    }

    /// The rows of the error table: code, name, retry class.
    var errors: [(code: UInt16, name: String, retry: String)] {
        text.matches(of: #/\| 0x([0-9A-F]{4}) \| ([A-Z0-9_]+) \| ([a-z ]+) \|/#).map { match in
            (
                UInt16(match.output.1, radix: 16) ?? 0, String(match.output.2),
                String(match.output.3)
            )
        }
    }
}

/// Bytes from hex text with comments; none when the text is not hex.
func bytes(hex text: String) -> [UInt8] {
    let digits = text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
        line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
    }
    guard digits.count.isMultiple(of: 2) else { return [] }
    return stride(from: 0, to: digits.count, by: 2).compactMap { index in
        UInt8(String(digits[index...(index + 1)]), radix: 16)
    }
}

func hex<Source: Sequence>(_ bytes: Source) -> String where Source.Element == UInt8 {
    bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
