internal import Backends
internal import BlobCore

/// What a batch says of one of its deletions.
enum AzureBatchOutcome: Sendable {
    /// The blob was deleted or was not there.
    case settled(DeleteResult)
    /// Nothing was done.
    case refused
    /// It may have been done.
    case unknown
}

/// Many deletions in one request: each is a request of its own within, with its own authorization.
struct AzureDeleteBatch: Sendable {
    static let maximumCount = 256
    static let maximumAnswerByteCount = 1 << 20

    let contentType: String
    let body: Bytes
    private let count: Int

    init(
        _ uris: [BlobURI], by service: AzureBlobService, credentials: AzureCredentials
    ) throws(BlobError) {
        let boundary = "batch_\(try RandomName.make())"
        contentType = "multipart/mixed; boundary=\(boundary)"
        count = uris.count
        let authorizer = AzureAuthorizer(endpoint: service.endpoint)
        let time = service.clock.now
        var text = ""
        for (position, uri) in uris.enumerated() {
            let request = AzureRequest(
                method: "DELETE", encodedPath: try service.resource(uri).encodedPath)
            let authorized = try authorizer.authorize(
                request, credentials: credentials, at: time, isInBatch: true)
            text += "--\(boundary)\r\ncontent-type: application/http\r\n"
            text += "content-transfer-encoding: binary\r\ncontent-id: \(position)\r\n\r\n"
            text += "DELETE \(authorized.target) HTTP/1.1\r\n"
            for field in authorized.fields { text += "\(field.name): \(field.value)\r\n" }
            text += "content-length: 0\r\n\r\n"
        }
        body = Bytes(utf8: text + "--\(boundary)--\r\n")
    }

    /// The outcome of each deletion; unknown when the answer has none that can be read.
    func outcomes(in reply: CloudReply) -> [AzureBatchOutcome] {
        var outcomes = [AzureBatchOutcome](repeating: .unknown, count: count)
        guard let boundary = Self.boundary(reply.headers["content-type"] ?? "") else {
            return outcomes
        }
        let text = reply.body.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        for part in Self.lines(text).split(
            separator: "--\(boundary)", omittingEmptySubsequences: true)
        {
            let answer = AzureBatchAnswer(part)
            guard let position = answer.position, outcomes.indices.contains(position) else {
                continue
            }
            switch (answer.status, answer.code) {
            case (202, _): outcomes[position] = .settled(DeleteResult(existed: true))
            case (404, "BlobNotFound"):
                outcomes[position] = .settled(DeleteResult(existed: false))
            case (.some(400..<408), _), (.some(409..<500), _): outcomes[position] = .refused
            // It may have been acted upon, as a request of its own that is answered so.
            default: break
            }
        }
        return outcomes
    }

    private static func lines(_ text: String) -> [Substring] {
        // A line feed and a carriage return before it are one Character.
        text.split(omittingEmptySubsequences: false) { $0 == "\r\n" || $0 == "\n" }
    }

    private static func boundary(_ contentType: String) -> String? {
        guard let start = contentType.firstRange(of: "boundary=") else { return nil }
        let text = contentType[start.upperBound...].prefix { $0 != ";" }
        let name = text.filter { $0 != "\"" && $0 != " " }
        return name.isEmpty ? nil : name
    }
}

/// The answer to one deletion within a batch.
private struct AzureBatchAnswer {
    var position: Int?
    var status: Int?
    var code: String?

    /// The fields of the part, a blank line, then an answer of HTTP with its own fields.
    init(_ lines: ArraySlice<Substring>) {
        for line in lines {
            if line.hasPrefix("HTTP/1.") {
                guard status == nil else { return }
                status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                continue
            }
            // The body of an error says nothing that the fields do not.
            if line.isEmpty, status != nil { return }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingWhitespace
            switch SignedHeaders.lowercased(String(line[..<colon])) {
            case "content-id" where status == nil: position = Int(value)
            case "x-ms-error-code" where status != nil: code = String(value)
            default: break
            }
        }
    }
}
