public import BlobCore
internal import Foundation

/// A client that shares no code with ours (the vendor's), to set up and to check a server's state.
extension CloudTestServer {
    /// What is known of a blob.
    public struct Head: Sendable, Decodable {
        /// The size.
        public let size: Int
        /// With its quotation marks.
        public let etag: String
        /// The media type.
        public let contentType: String?
        /// How it is packed.
        public let contentEncoding: String?
        /// The user's metadata.
        public let metadata: [String: String]
        /// In base 64; nil for what was uploaded in parts.
        public let md5: String?
        /// In base 64; Google only.
        public let crc32c: String?
        /// Google only.
        public let generation: String?
    }

    /// An upload of Google that is neither completed nor aborted.
    public struct Upload: Sendable, Decodable {
        /// Of which object.
        public let key: String
        /// Its name.
        public let identifier: String
        /// The numbers of the parts that are there.
        public let parts: [Int]
    }

    /// A block of Azure.
    public struct Block: Sendable, Decodable {
        /// As the vendor's client shows it, which is decoded.
        public let identifier: String
        /// The size.
        public let size: Int
    }

    /// The blocks of a blob of Azure.
    public struct Blocks: Sendable, Decodable {
        /// Those of the last commit.
        public let committed: [Block]
        /// Those that no commit has taken.
        public let uncommitted: [Block]
    }

    /// Makes a bucket or container with a name of its own.
    public func makeBucket() async throws -> String {
        struct Answer: Decodable, Sendable { let bucket: String }
        return try await call("makeBucket", as: Answer.self).bucket
    }

    /// Writes a blob and returns its entity tag.
    @discardableResult
    public func put(
        _ key: String, _ body: Bytes, contentType: String? = nil,
        contentEncoding: String? = nil, metadata: [String: String] = [:], bucket: String? = nil
    ) async throws -> String {
        struct Answer: Decodable, Sendable { let etag: String }
        var parameters = place(key, bucket)
        parameters["body"] = ["base64": .text(Data(body).base64EncodedString())]
        parameters["contentType"] = contentType.map { .text($0) }
        parameters["contentEncoding"] = contentEncoding.map { .text($0) }
        parameters["metadata"] = .object(metadata.mapValues { .text($0) })
        return try await call("put", parameters, as: Answer.self).etag
    }

    /// Reads a whole blob as it is stored.
    public func get(_ key: String, bucket: String? = nil) async throws -> Bytes {
        struct Answer: Decodable, Sendable {
            struct Body: Decodable, Sendable { let base64: Data }
            let body: Body
        }
        let answer = try await call("get", place(key, bucket), as: Answer.self)
        return Bytes([UInt8](answer.body.base64))
    }

    /// What is known of a blob; nil when there is none.
    public func head(_ key: String, bucket: String? = nil) async throws -> Head? {
        do {
            return try await call("head", place(key, bucket), as: Head.self)
        } catch let failure as ServerCallFailure where failure.status == 404 {
            return nil
        }
    }

    /// Removes a blob.
    public func delete(_ key: String, bucket: String? = nil) async throws {
        try await call("delete", place(key, bucket))
    }

    /// The keys that begin with `prefix`.
    public func keys(prefix: String, bucket: String? = nil) async throws -> [String] {
        struct Answer: Decodable, Sendable { let keys: [String] }
        return try await call("list", within(prefix, bucket), as: Answer.self).keys
    }

    /// The open uploads for keys that begin with `prefix`; Google only.
    public func uploads(prefix: String, bucket: String? = nil) async throws -> [Upload] {
        struct Answer: Decodable, Sendable { let uploads: [Upload] }
        return try await call("uploads", within(prefix, bucket), as: Answer.self).uploads
    }

    /// The blocks of a blob; Azure only.
    public func blocks(_ key: String, bucket: String? = nil) async throws -> Blocks {
        try await call("blocks", place(key, bucket), as: Blocks.self)
    }

    /// Shared access signatures by Microsoft's last client for version 2023-11-03; Azure only.
    ///
    /// - Parameter calls: The arguments of its `generate_blob_sas` and so on, by name, and `kind`,
    ///   which is blob, container or account.
    public func signatures(_ calls: [[String: JSONValue]]) async throws -> [String] {
        struct Answer: Decodable, Sendable { let tokens: [String] }
        let list = JSONValue.list(calls.map { .object($0) })
        return try await call("sign", ["calls": list], as: Answer.self).tokens
    }

    private func place(_ key: String, _ bucket: String?) -> [String: JSONValue] {
        var parameters: [String: JSONValue] = ["key": .text(key)]
        parameters["bucket"] = bucket.map { .text($0) }
        return parameters
    }

    private func within(_ prefix: String, _ bucket: String?) -> [String: JSONValue] {
        var parameters: [String: JSONValue] = ["prefix": .text(prefix)]
        parameters["bucket"] = bucket.map { .text($0) }
        return parameters
    }
}
