import BlobCore
import Synchronization
import TestKit

/// A bucket that answers as S3 does when nothing goes wrong. What goes wrong, tests put around it.
final class CalmBucket: Sendable {
    struct Object {
        var bytes: Bytes
        var etag: String
        /// Content type and metadata, as they came.
        var headers: [(String, String)] = []
    }

    struct Upload {
        var key: String
        var headers: [(String, String)]
        var parts: [Int: Object] = [:]
    }

    private struct State {
        var objects: [String: Object] = [:]
        var uploads: [String: Upload] = [:]
        var versionCount = 0
        var uploadCount = 0
    }

    private let state = Mutex(State())

    // MARK: For tests

    /// Puts an object there; returns its entity tag.
    @discardableResult
    func put(_ key: String, _ bytes: Bytes, headers: [(String, String)] = []) -> String {
        state.withLock { Self.put(key, bytes, headers, &$0) }
    }

    func bytes(_ key: String) -> Bytes? { state.withLock { $0.objects[key]?.bytes } }
    func etag(_ key: String) -> String? { state.withLock { $0.objects[key]?.etag } }
    func remove(_ key: String) { state.withLock { $0.objects[key] = nil } }
    /// Every write makes one, also over an older one.
    var versionCount: Int { state.withLock { $0.versionCount } }
    var uploadCount: Int { state.withLock { $0.uploadCount } }
    var openUploads: [String] { state.withLock { $0.uploads.keys.sorted() } }

    private static func put(
        _ key: String, _ bytes: Bytes, _ headers: [(String, String)], _ state: inout State
    ) -> String {
        state.versionCount += 1
        let etag = "\"version-\(state.versionCount)\""
        state.objects[key] = Object(bytes: bytes, etag: etag, headers: headers)
        return etag
    }

    // MARK: Answers

    func answer(_ request: ScriptedRequest) -> ScriptedResponse {
        state.withLock { state in
            switch request.method {
            case "GET" where request.query("list-type") != nil: Self.list(request, state)
            case "GET" where request.query("uploadId") != nil: Self.parts(request, state)
            case "GET", "HEAD": Self.read(request, state)
            case "PUT" where request.query("uploadId") != nil: Self.part(request, &state)
            case "PUT": Self.write(request, &state)
            case "POST" where request.query("uploads") != nil: Self.begin(request, &state)
            case "POST" where request.query("uploadId") != nil: Self.complete(request, &state)
            case "POST" where request.query("delete") != nil: Self.deleteAll(request, &state)
            case "DELETE": Self.delete(request, &state)
            default: .error(405, "MethodNotAllowed")
            }
        }
    }

    private static func read(_ request: ScriptedRequest, _ state: State) -> ScriptedResponse {
        if request.key.isEmpty { return ScriptedResponse(status: 200) }
        guard let object = state.objects[request.key] else { return .error(404, "NoSuchKey") }
        if let wanted = request["if-match"], wanted != object.etag {
            return .error(412, "PreconditionFailed")
        }
        let headers = object.headers + [("ETag", object.etag)]
        if request.method == "HEAD" {
            let length = [("Content-Length", "\(object.bytes.count)")]
            return ScriptedResponse([.send(ScriptedResponse.head(200, headers + length))])
        }
        guard let asked = request["range"] else {
            return ScriptedResponse(headers: headers, body: object.bytes)
        }
        let size = object.bytes.count
        guard let range = Self.range(asked, size) else {
            return .error(
                416, "InvalidRange", headers: [("Content-Range", "bytes */\(size)")])
        }
        let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        return ScriptedResponse(
            status: 206, headers: headers + [("Content-Range", place)],
            body: object.bytes.slice(range))
    }

    /// `bytes=a-b`, `bytes=a-` and `bytes=-n`.
    private static func range(_ text: String, _ size: Int) -> Range<Int>? {
        let ends = text.dropFirst("bytes=".count)
            .split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2 else { return nil }
        if let first = ends[0] {
            return first < size ? first..<min(size, (ends[1] ?? size - 1) + 1) : nil
        }
        return size > 0 ? max(0, size - (ends[1] ?? 0))..<size : nil
    }

    private static func write(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        if let refusal = refusal(request, state) { return refusal }
        if request["x-amz-copy-source"] != nil {
            guard let source = source(of: request, state) else { return .error(404, "NoSuchKey") }
            let etag = put(request.key, source.bytes, source.headers, &state)
            return ScriptedResponse(
                text: "<CopyObjectResult><ETag>\(etag)</ETag></CopyObjectResult>")
        }
        let etag = put(request.key, request.body, request.metadata, &state)
        return ScriptedResponse(headers: [("ETag", etag)])
    }

    private static func source(of request: ScriptedRequest, _ state: State) -> Object? {
        let path = request["x-amz-copy-source"] ?? ""
        return state.objects[path.split(separator: "/").dropFirst().joined(separator: "/")]
    }

    private static func refusal(_ request: ScriptedRequest, _ state: State) -> ScriptedResponse? {
        let etag = state.objects[request.key]?.etag
        if request["if-none-match"] == "*", etag != nil { return .error(412, "PreconditionFailed") }
        if let wanted = request["if-match"], wanted != etag {
            return .error(412, "PreconditionFailed")
        }
        return nil
    }

    private static func list(_ request: ScriptedRequest, _ state: State) -> ScriptedResponse {
        var text = "<ListBucketResult><IsTruncated>false</IsTruncated>"
        for (key, object) in state.objects.sorted(by: { $0.key < $1.key }) {
            text += "<Contents><Key>\(key)</Key><Size>\(object.bytes.count)</Size>"
            text += "<ETag>\(object.etag)</ETag>"
            text += "<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
        }
        return ScriptedResponse(text: text + "</ListBucketResult>")
    }
}

// MARK: Uploads and deletions

extension CalmBucket {
    private static func begin(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        state.uploadCount += 1
        let name = "upload-\(state.uploadCount)"
        state.uploads[name] = Upload(key: request.key, headers: request.metadata)
        return ScriptedResponse(
            text: "<InitiateMultipartUploadResult><UploadId>\(name)</UploadId>"
                + "</InitiateMultipartUploadResult>")
    }

    private static func part(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        guard let name = request.query("uploadId"), state.uploads[name] != nil,
            let number = request.query("partNumber").flatMap({ Int($0) })
        else { return .error(404, "NoSuchUpload") }
        var bytes = request.body
        if request["x-amz-copy-source"] != nil {
            guard let source = source(of: request, state) else { return .error(404, "NoSuchKey") }
            let asked = request["x-amz-copy-source-range"] ?? ""
            bytes = range(asked, source.bytes.count).map { source.bytes.slice($0) } ?? Bytes()
        }
        let etag = "\"part-\(number)\""
        state.uploads[name]?.parts[number] = Object(bytes: bytes, etag: etag)
        if request["x-amz-copy-source"] != nil {
            return ScriptedResponse(text: "<CopyPartResult><ETag>\(etag)</ETag></CopyPartResult>")
        }
        return ScriptedResponse(headers: [("ETag", etag)])
    }

    private static func parts(_ request: ScriptedRequest, _ state: State) -> ScriptedResponse {
        guard let upload = request.query("uploadId").flatMap({ state.uploads[$0] }) else {
            return .error(404, "NoSuchUpload")
        }
        var text = "<ListPartsResult><IsTruncated>false</IsTruncated>"
        for (number, part) in upload.parts.sorted(by: { $0.key < $1.key }) {
            text += "<Part><PartNumber>\(number)</PartNumber><ETag>\(part.etag)</ETag>"
            text += "<Size>\(part.bytes.count)</Size></Part>"
        }
        return ScriptedResponse(text: text + "</ListPartsResult>")
    }

    private static func complete(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        guard let name = request.query("uploadId"), let upload = state.uploads[name] else {
            return .error(404, "NoSuchUpload")
        }
        if let refusal = refusal(request, state) { return refusal }
        var whole = BytesBuilder()
        for (_, part) in upload.parts.sorted(by: { $0.key < $1.key }) { whole.append(part.bytes) }
        state.uploads[name] = nil
        let etag = put(upload.key, whole.freeze(), upload.headers, &state)
        return ScriptedResponse(
            text: "<CompleteMultipartUploadResult><Key>\(upload.key)</Key><ETag>\(etag)</ETag>"
                + "</CompleteMultipartUploadResult>")
    }

    private static func delete(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        if let name = request.query("uploadId") {
            guard state.uploads.removeValue(forKey: name) != nil else {
                return .error(404, "NoSuchUpload")
            }
        } else {
            state.objects[request.key] = nil
        }
        return ScriptedResponse([.send(ScriptedResponse.head(204, []))])
    }

    private static func deleteAll(
        _ request: ScriptedRequest, _ state: inout State
    ) -> ScriptedResponse {
        var text = "<DeleteResult>"
        for piece in (request.body.utf8Text ?? "").components(between: "<Key>", "</Key>") {
            state.objects[piece] = nil
            text += "<Deleted><Key>\(piece)</Key></Deleted>"
        }
        return ScriptedResponse(text: text + "</DeleteResult>")
    }
}
