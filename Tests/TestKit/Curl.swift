public import BlobCore
internal import Foundation

/// curl, as a client that knows nothing of us.
public enum Curl {
    /// What the server answered.
    public struct Answer: Sendable {
        /// The status of HTTP.
        public let status: Int
        /// The fields, names in lower case.
        public let headers: [String: String]
        /// The body.
        public let body: Bytes
    }

    /// Sends one request and returns the answer, whatever its status.
    ///
    /// - Parameters:
    ///   - method: Otherwise GET, or PUT when there is a body.
    ///   - body: Sent with its length.
    public static func send(
        _ url: String, method: String? = nil, headers: [String: String] = [:],
        body: Bytes? = nil, options: [String] = []
    ) async throws -> Answer {
        let directory = try TemporaryDirectory()
        // A configuration file: a signed URL among the arguments could be read by anybody.
        var lines = [
            "silent", "show-error", "max-time = 120", "noproxy = \"*\"",
            "output = \"\(directory.path)/body\"", "dump-header = \"\(directory.path)/head\"",
            "write-out = \"%{http_code}\"", "url = \"\(url)\"",
        ]
        if let method { lines.append("request = \"\(method)\"") }
        for (name, value) in headers {
            let quoted = value.replacingOccurrences(of: "\"", with: "\\\"")
            lines.append("header = \"\(name): \(quoted)\"")
        }
        if let body {
            let path = "\(directory.path)/sent"
            _ = FileManager.default.createFile(atPath: path, contents: Data(body))
            // Not `upload-file`: that appends the file's name to a path that ends with a slash.
            lines += ["data-binary = \"@\(path)\"", "header = \"Content-Type:\""]
            if method == nil { lines.append("request = \"PUT\"") }
        }
        try directory.write(lines.joined(separator: "\n") + "\n", to: "options")
        let outcome = try await Program.run(
            ["/usr/bin/curl", "--disable", "--config", "\(directory.path)/options"] + options)
        guard outcome.status == 0, let status = outcome.output.utf8Text.flatMap({ Int($0) }) else {
            throw ServerProcessError(
                description: "curl ended with \(outcome.status): \(outcome.complaint)")
        }
        let head = directory.text(of: "head") ?? ""
        let received = FileManager.default.contents(atPath: "\(directory.path)/body") ?? Data()
        return Answer(
            status: status, headers: fields(head), body: Bytes([UInt8](received)))
    }

    /// Those of the last answer: a 100 Continue comes before it.
    private static func fields(_ head: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in head.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("HTTP/") { fields = [:] }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...]
            fields[name] = value.trimmingCharacters(in: .whitespaces)
        }
        return fields
    }
}
