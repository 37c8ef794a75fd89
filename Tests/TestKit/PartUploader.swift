public import BlobCore
internal import Foundation

/// Somebody who was given the URLs of parts and knows nothing else of us: plain PUTs by curl. Where the
/// URLs are files, it writes each part at its offset, as docs/local-backend.md asks.
public struct PartUploader: Sendable {
    /// One part to upload.
    public struct Part: Sendable {
        /// Where it goes.
        public var url: PresignedURL
        /// Where it begins in the blob.
        public var offset: UInt64
        /// Its bytes.
        public var body: Bytes

        /// A part from its values.
        public init(_ url: PresignedURL, offset: UInt64, _ body: Bytes) {
            self.url = url
            self.offset = offset
            self.body = body
        }
    }

    private let certificateFile: String?

    /// - Parameter certificateFile: The authority to trust; nil for plain HTTP and for files.
    public init(certificateFile: String? = nil) {
        self.certificateFile = certificateFile
    }

    /// Uploads all parts at the same time; the answers are in their order.
    public func upload(_ parts: [Part]) async throws -> [Curl.UploadAnswer] {
        if parts.first?.url.url.hasPrefix("file://") == true {
            return try await withThrowingTaskGroup(of: (Int, Curl.UploadAnswer).self) { group in
                for (index, part) in parts.enumerated() {
                    group.addTask { (index, try Self.write(part)) }
                }
                var answers: [Int: Curl.UploadAnswer] = [:]
                for try await (index, answer) in group { answers[index] = answer }
                return parts.indices.compactMap { answers[$0] }
            }
        }
        return try await Curl.upload(
            parts.map { ($0.url.url, $0.body) }, certificateFile: certificateFile)
    }

    /// Uploads one part.
    public func upload(_ part: Part) async throws -> Curl.UploadAnswer {
        guard let answer = try await upload([part]).first else {
            throw ServerProcessError(description: "no answer to an upload")
        }
        return answer
    }

    /// A file that is gone is what a refused URL is elsewhere.
    private static func write(_ part: Part) throws -> Curl.UploadAnswer {
        let path = String(part.url.url.dropFirst("file://".count))
        guard let handle = FileHandle(forWritingAtPath: path) else {
            return Curl.UploadAnswer(status: 404, etag: nil)
        }
        try handle.seek(toOffset: part.offset)
        try handle.write(contentsOf: Data(part.body))
        try handle.close()
        return Curl.UploadAnswer(status: 200, etag: nil)
    }
}
