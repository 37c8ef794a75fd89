public import BlobCore
internal import Foundation

/// A client that shares no code with ours (botocore), to set up and to check a server's state.
extension S3TestServer {
    /// What a server refused.
    public typealias Failure = ServerCallFailure

    /// What is known of a blob.
    public struct Head: Sendable, Decodable {
        /// The size.
        public let ContentLength: Int
        /// With its quotation marks.
        public let ETag: String
        /// The media type.
        public let ContentType: String?
        /// The user's metadata, names in lower case.
        public let Metadata: [String: String]
    }

    /// A call by its name in botocore, with parameters as it takes them; bytes as `bytes(_:)` has them.
    public func call<Answer: Decodable & Sendable>(
        _ operation: String, _ parameters: [String: JSONValue], service: String = "s3",
        as type: Answer.Type
    ) async throws -> Answer {
        try await calls.call(operation, parameters, service: service, as: type)
    }

    /// Bytes as a parameter.
    public static func bytes(_ body: Bytes) -> JSONValue {
        ["base64": .text(Data(body).base64EncodedString())]
    }

    /// Makes a bucket with a name of its own.
    public func makeBucket() async throws -> String {
        let name = freshPrefix()
        _ = try await call("create_bucket", ["Bucket": .text(name)], as: Ignored.self)
        return name
    }

    /// Writes a blob and returns its entity tag.
    @discardableResult
    public func put(
        _ key: String, _ body: Bytes, contentType: String? = nil,
        metadata: [String: String] = [:], bucket: String? = nil
    ) async throws -> String {
        var parameters = place(key, bucket)
        parameters["Body"] = Self.bytes(body)
        parameters["ContentType"] = contentType.map { .text($0) }
        parameters["Metadata"] = .object(metadata.mapValues { .text($0) })
        struct Answer: Decodable, Sendable { let ETag: String }
        return try await call("put_object", parameters, as: Answer.self).ETag
    }

    /// Reads a whole blob.
    public func get(_ key: String, bucket: String? = nil) async throws -> Bytes {
        struct Answer: Decodable, Sendable {
            struct Body: Decodable, Sendable { let base64: Data }
            let Body: Body
        }
        let answer = try await call("get_object", place(key, bucket), as: Answer.self)
        return Bytes([UInt8](answer.Body.base64))
    }

    /// What is known of a blob; nil when there is none.
    public func head(_ key: String, bucket: String? = nil) async throws -> Head? {
        do {
            return try await call("head_object", place(key, bucket), as: Head.self)
        } catch let failure as Failure where failure.status == 404 {
            return nil
        }
    }

    /// Removes a blob.
    public func delete(_ key: String, bucket: String? = nil) async throws {
        _ = try await call("delete_object", place(key, bucket), as: Ignored.self)
    }

    /// The keys that begin with `prefix`, at most a thousand.
    public func keys(prefix: String, bucket: String? = nil) async throws -> [String] {
        struct Answer: Decodable, Sendable {
            struct Item: Decodable, Sendable { let Key: String }
            let Contents: [Item]?
        }
        let answer = try await call(
            "list_objects_v2", within(prefix, bucket), as: Answer.self)
        return (answer.Contents ?? []).map(\.Key)
    }

    /// The uploads that are open for keys that begin with `prefix`, as pairs of key and upload.
    public func uploads(
        prefix: String, bucket: String? = nil
    ) async throws -> [(key: String, identifier: String)] {
        struct Answer: Decodable, Sendable {
            struct Item: Decodable, Sendable {
                let Key: String
                let UploadId: String
            }
            let Uploads: [Item]?
        }
        let answer = try await call(
            "list_multipart_uploads", within(prefix, bucket), as: Answer.self)
        return (answer.Uploads ?? []).map { ($0.Key, $0.UploadId) }
    }

    /// Keys of an assumed role, which need their session token.
    public func assumeRole() async throws -> Keys {
        struct Answer: Decodable, Sendable {
            struct Credentials: Decodable, Sendable {
                let AccessKeyId: String
                let SecretAccessKey: String
                let SessionToken: String
            }
            let Credentials: Credentials
        }
        let answer = try await call(
            "assume_role",
            ["RoleArn": .text(description.sts.roleARN), "RoleSessionName": "independent"],
            service: "sts", as: Answer.self)
        return Keys(
            accessKeyID: answer.Credentials.AccessKeyId,
            secretAccessKey: answer.Credentials.SecretAccessKey,
            sessionToken: answer.Credentials.SessionToken)
    }

    /// A web identity token of the issuer that SeaweedFS trusts.
    ///
    /// - Parameters:
    ///   - lifetimeSeconds: Below zero for one that has expired.
    ///   - isForged: Whether another key signs it.
    public func webIdentityToken(
        lifetimeSeconds: Int = 3600, audience: String = "sts.amazonaws.com",
        isForged: Bool = false
    ) async throws -> String {
        struct Answer: Decodable, Sendable { let token: String }
        return try await call(
            "web_identity_token",
            [
                "lifetime": .number(lifetimeSeconds), "audience": .text(audience),
                "forged": .flag(isForged),
            ], as: Answer.self
        ).token
    }

    private func place(_ key: String, _ bucket: String?) -> [String: JSONValue] {
        ["Bucket": .text(bucket ?? description.bucket), "Key": .text(key)]
    }

    private func within(_ prefix: String, _ bucket: String?) -> [String: JSONValue] {
        ["Bucket": .text(bucket ?? description.bucket), "Prefix": .text(prefix)]
    }

    private struct Ignored: Decodable, Sendable {}
}
