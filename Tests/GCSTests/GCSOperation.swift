import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Every operation of the backend that talks to the service.
enum GCSOperation: String, CaseIterable, Sendable {
    case head, read, readParts, put, putParts, putNew, replace, putInOrder, delete, deleteMany, list
    case copy, upload, listParts, abort

    static let small = SeededBody(seed: 5, byteCount: 500).bytes
    /// A part and a bit.
    static let large = SeededBody(seed: 6, byteCount: (5 << 20) + 1000).bytes

    /// What it asks the service for when nothing goes wrong.
    var requests: [GCSRequest] {
        switch self {
        case .head: [.head]
        case .read, .readParts: [.get]
        case .put, .putNew: [.put]
        case .putParts, .upload: [.begin, .part, .complete]
        case .replace: [.head, .put]
        case .putInOrder: [.start, .append]
        case .delete, .deleteMany: [.delete]
        case .list: [.list]
        case .copy: [.head, .rewrite]
        case .listParts: [.listParts]
        case .abort: [.abort]
        }
    }

    /// Does it at a place of its own, and looks at what came of it.
    ///
    /// - Parameter disturb: Called when all is prepared.
    func run(
        _ fixture: GCSFixture, disturb: () async throws -> Void = {}
    ) async throws {
        let backend = fixture.backend
        let (uri, new) = (fixture.uri("blob"), fixture.uri("new"))
        switch self {
        case .head, .read, .readParts, .replace, .delete, .deleteMany, .list, .copy:
            try await fixture.put("blob", self == .readParts ? Self.large : Self.small)
            if self == .deleteMany { try await fixture.put("second", Self.small) }
        default: break
        }
        if [.upload, .listParts, .abort].contains(self) {
            return try await runUpload(fixture, disturb)
        }
        if self == .replace {
            let etag = try await backend.head(uri).etag
            try await disturb()
            try await backend.put(
                uri, Self.small, options: PutOptions(condition: .ifMatch(etag: etag)))
            #expect(try await fixture.server.get(uri.key) == Self.small)
            return
        }
        try await disturb()
        switch self {
        case .head: #expect(try await backend.head(uri).byteCount == 500)
        case .read: #expect(try await backend.get(uri) == Self.small)
        case .readParts: #expect(try await backend.get(uri) == Self.large)
        case .put: try await backend.put(new, Self.small)
        case .putNew:
            try await backend.put(new, Self.small, options: PutOptions(condition: .createOnly))
        case .putParts: try await backend.put(new, Self.large)
        case .putInOrder:
            try await backend.put(new, Self.large, options: PutOptions(condition: .createOnly))
        case .delete: try await backend.delete(uri)
        case .deleteMany:
            for outcome in try await backend.delete(
                [uri, fixture.uri("second")], options: CallOptions())
            { _ = try outcome.get() }
        case .list:
            let page = try await backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.map(\.uri) == [uri])
        case .copy: _ = try await backend.copy(from: uri, to: new, options: CopyOptions())
        default: break
        }
        let expected: [String: Bytes] =
            switch self {
            case .put, .putNew: ["new": Self.small]
            case .putParts, .putInOrder: ["new": Self.large]
            case .copy: ["blob": Self.small, "new": Self.small]
            case .delete, .deleteMany: [:]
            case .readParts: ["blob": Self.large]
            default: ["blob": Self.small]
            }
        #expect(try await fixture.keys() == expected.keys.sorted())
        for (key, bytes) in expected {
            #expect(try await fixture.server.get(fixture.uri(key).key) == bytes)
        }
    }

    private func runUpload(
        _ fixture: GCSFixture, _ disturb: () async throws -> Void
    ) async throws {
        let backend = fixture.backend
        if self == .upload { try await disturb() }
        let upload = try await backend.createMultipartUpload(
            fixture.uri("new"), options: MultipartOptions())
        if self != .upload { try await disturb() }
        switch self {
        case .listParts:
            let page = try await backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
            try await backend.abortMultipartUpload(upload, options: CallOptions())
        case .abort: try await backend.abortMultipartUpload(upload, options: CallOptions())
        default:
            let part = try await backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            _ = try await backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(try await fixture.server.get(fixture.uri("new").key) == Self.small)
        }
    }
}
