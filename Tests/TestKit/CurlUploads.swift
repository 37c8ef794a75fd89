public import BlobCore
internal import Foundation

extension Curl {
    /// What became of one of several uploads.
    public struct UploadAnswer: Sendable {
        /// The status of HTTP; 0 when none came.
        public let status: Int
        /// The entity tag, where the service gives one.
        public let etag: String?

        /// Whether the service took the bytes: all that an uploader has to know.
        public var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// Sends each body to its URL by a PUT with a length and nothing else, eight at once; the answers
    /// are in the order of the uploads. One process for all: tests send thousands.
    ///
    /// - Parameter certificateFile: The authority to trust; nil for plain HTTP.
    public static func upload(
        _ uploads: [(url: String, body: Bytes)], certificateFile: String?
    ) async throws -> [UploadAnswer] {
        let directory = try TemporaryDirectory()
        var lines: [String] = []
        for (index, (url, body)) in uploads.enumerated() {
            let path = "\(directory.path)/\(index)"
            _ = FileManager.default.createFile(atPath: path, contents: Data(body))
            if index > 0 { lines.append("next") }
            lines += [
                "silent", "max-time = 300", "noproxy = \"*\"", "output = \"/dev/null\"",
                "request = \"PUT\"", "url = \"\(url)\"", "data-binary = \"@\(path)\"",
                "header = \"Content-Type:\"",
                "write-out = \"\(index) %{http_code} %header{etag}\\n\"",
            ]
            if let certificateFile { lines.append("cacert = \"\(certificateFile)\"") }
        }
        try directory.write(lines.joined(separator: "\n") + "\n", to: "options")
        let outcome = try await Program.run([
            "/usr/bin/curl", "--disable", "--parallel", "--parallel-max", "8", "--config",
            "\(directory.path)/options",
        ])
        var answers = [UploadAnswer?](repeating: nil, count: uploads.count)
        for line in (outcome.output.utf8Text ?? "").split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, let index = Int(words[0]), answers.indices.contains(index)
            else { continue }
            answers[index] = UploadAnswer(
                status: Int(words[1]) ?? 0, etag: words.count > 2 ? String(words[2]) : nil)
        }
        return try answers.map { answer in
            guard let answer else {
                throw ServerProcessError(
                    description: "curl ended with \(outcome.status): \(outcome.complaint)")
            }
            return answer
        }
    }
}
