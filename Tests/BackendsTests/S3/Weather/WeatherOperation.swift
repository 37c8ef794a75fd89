import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Every operation of the backend that talks to the service.
enum WeatherOperation: String, CaseIterable, Sendable {
    case head, read, put, putParts, putNew, delete, deleteMany, list, copy, copyParts, upload
    case listParts, abort

    static let small = SeededBody(seed: 5, byteCount: 500).bytes
    /// A part and a bit.
    static let large = SeededBody(seed: 6, byteCount: (5 << 20) + 1000).bytes

    /// What it asks the service for when nothing goes wrong, sorted.
    var asked: [String] {
        switch self {
        case .head: ["HEAD"]
        case .read: ["GET"]
        case .put, .putNew: ["PUT"]
        case .putParts: ["POST upload", "POST uploads", "PUT part", "PUT part"]
        case .delete: ["DELETE"]
        case .deleteMany: ["POST delete"]
        case .list: ["GET list"]
        case .copy: ["HEAD", "PUT"]
        case .copyParts: ["HEAD", "POST upload", "POST uploads", "PUT part"]
        case .upload: ["POST upload", "POST uploads", "PUT part"]
        case .listParts: ["GET upload", "POST uploads"]
        case .abort: ["DELETE upload", "POST uploads"]
        }
    }

    /// Puts there what it needs.
    func prepare(_ weather: Weather) {
        weather.bucket.put("key", Self.small)
        weather.bucket.put("second", Self.small)
    }

    /// Does it, and looks at what came of it.
    ///
    /// - Parameter orphanCount: Uploads whose names nobody has learnt.
    func run(_ weather: Weather, orphanCount: Int = 0) async throws {
        let (backend, uri) = (weather.backend, weather.uri())
        let new = weather.uri("new")
        switch self {
        case .head: #expect(try await backend.head(uri).byteCount == 500)
        case .read: try await weather.expectRead(Self.small)
        case .put:
            try await backend.put(uri, Self.small)
            #expect(weather.bucket.bytes("key") == Self.small)
        case .putParts:
            try await backend.put(new, Self.large)
            #expect(weather.bucket.bytes("new") == Self.large)
        case .putNew:
            try await backend.put(new, Self.small, options: PutOptions(condition: .createOnly))
            #expect(weather.bucket.bytes("new") == Self.small)
        case .delete:
            try await backend.delete(uri)
            #expect(weather.bucket.bytes("key") == nil)
        case .deleteMany:
            let outcomes = try await backend.delete(
                [uri, weather.uri("second")], options: CallOptions())
            for outcome in outcomes { _ = try outcome.get() }
            #expect(weather.bucket.bytes("second") == nil)
        case .list:
            let page = try await backend.list(weather.uri(""), options: ListOptions())
            #expect(page.entries.map(\.uri.key) == ["key", "second"])
        case .copy:
            _ = try await backend.copy(from: uri, to: new, options: CopyOptions())
            #expect(weather.bucket.bytes("new") == Self.small)
        case .copyParts:
            _ = try await backend.copy(
                from: uri, to: new, options: CopyOptions(condition: .createOnly))
            #expect(weather.bucket.bytes("new") == Self.small)
        case .upload, .listParts, .abort: try await runUpload(weather, new)
        }
        let openCount = orphanCount + (self == .listParts ? 1 : 0)
        #expect(weather.bucket.openUploads.count == openCount)
    }

    private func runUpload(_ weather: Weather, _ uri: BlobURI) async throws {
        let backend = weather.backend
        let upload = try await backend.createMultipartUpload(uri, options: MultipartOptions())
        switch self {
        case .listParts:
            let page = try await backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
        case .abort: try await backend.abortMultipartUpload(upload, options: CallOptions())
        default:
            let part = try await backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            _ = try await backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(weather.bucket.bytes("new") == Self.small)
        }
    }
}
