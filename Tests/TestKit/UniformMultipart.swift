public import BlobCore
internal import Foundation
public import Testing

/// Where the contract of docs/multipart.md runs: a store, a fresh place in it, and somebody who gets
/// nothing but URLs.
public struct UniformContext: Sendable {
    /// What the contract allows to differ and no capability says.
    public struct Differences: Sendable {
        /// Whether giving an upload up, and completing it, ends the URLs of its parts.
        public var endsURLs: Bool
        /// Whether the service refuses parts that are too small. All real ones do.
        public var refusesSmallParts: Bool

        /// Differences from their values.
        public init(endsURLs: Bool = true, refusesSmallParts: Bool = true) {
            self.endsURLs = endsURLs
            self.refusesSmallParts = refusesSmallParts
        }
    }

    /// The store, the place, and what the store declares.
    public let behaviour: BehaviourContext
    /// Who uploads.
    public let uploader: PartUploader
    /// What differs.
    public let differences: Differences

    /// A context that asks the store for its capabilities.
    public init(
        store: any BlobStore, base: BlobURI, uploader: PartUploader, differences: Differences
    ) async throws {
        behaviour = try await BehaviourContext(store: store, base: base)
        self.uploader = uploader
        self.differences = differences
    }
}

/// One thing that uploads by signed URLs do on every store, in process and through a socket.
///
/// A suite runs the whole list, as it does with `BlobStoreBehaviour`.
public struct UniformMultipart: Sendable, CustomTestStringConvertible {
    /// What is expected, with the ids of the rules it proves.
    public let name: String
    /// Checks it.
    public let run: @Sendable (UniformContext) async throws -> Void

    /// An expectation from its parts.
    public init(_ name: String, run: @escaping @Sendable (UniformContext) async throws -> Void) {
        self.name = name
        self.run = run
    }

    /// The name, for test reports.
    public var testDescription: String { name }

    /// All of the contract.
    public static let all: [UniformMultipart] = parts + ends + manyParts
}

extension UniformContext {
    var store: any BlobStore { behaviour.store }
    var limits: Capabilities.Limits { behaviour.capabilities.limits }

    /// Signs for the parts from 1 to `count`, in one call.
    func presign(
        _ upload: MultipartUpload, count: Int, validSeconds: UInt32 = 600
    ) async throws -> [PresignedURL] {
        let urls = try await store.presignUploadParts(
            upload, partNumbers: (0..<count).map { UInt32($0) + 1 },
            options: PresignOptions(validSeconds: validSeconds))
        #expect(urls.count == count)
        // CM-17: whoever has a URL needs nothing else.
        #expect(urls.allSatisfy { $0.method == "PUT" && $0.headers.isEmpty })
        return urls
    }

    /// `bodies` as the parts of a blob, each with its URL.
    func parts(_ urls: [PresignedURL], _ bodies: [[UInt8]]) -> [PartUploader.Part] {
        var offset: UInt64 = 0
        return zip(urls, bodies).map { url, body in
            defer { offset += UInt64(body.count) }
            return PartUploader.Part(url, offset: offset, Bytes(body))
        }
    }

    /// Bodies of which all but the last have the smallest size that any part may have.
    func bodies(count: Int, lastByteCount: Int = 12_345) -> [[UInt8]] {
        (0..<count).map { index in
            patternBytes(
                count: index == count - 1 ? lastByteCount : behaviour.partByteCount,
                seed: UInt64(index) + 1)
        }
    }

    /// Uploads all of `bodies` at once and says what came back, as completion wants it.
    func upload(
        _ bodies: [[UInt8]], to urls: [PresignedURL]
    ) async throws -> [UploadedPart] {
        let answers = try await uploader.upload(parts(urls, bodies))
        return zip(answers, bodies).enumerated().map { index, uploaded in
            let (answer, body) = uploaded
            #expect(answer.isSuccess, "part \(index + 1) was answered \(answer.status)")
            return UploadedPart(
                partNumber: UInt32(index) + 1, etag: answer.etag, byteCount: UInt64(body.count))
        }
    }

    /// Expects that the blob has exactly the bytes of `bodies`.
    func expect(
        _ key: String, _ bodies: [[UInt8]], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(
            try await behaviour.get(key) == Array(bodies.joined()), sourceLocation: sourceLocation)
    }

    /// The time of this machine, which is also the services'.
    static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
