internal import BlobCore

/// A request that was found fit to be sent, in the form that libcurl takes.
struct PreparedRequest: Sendable {
    let method: HTTPRequest.Method
    let url: String
    /// Scheme and authority: requests with the same one share connections.
    let endpoint: String
    let isSecure: Bool
    let headerLines: [String]
    let body: HTTPRequestBody
    let bodyByteCount: UInt64
    let timeouts: HTTPTimeouts
    let receiveWindow: HTTPReceiveWindow
    let usesProxy: Bool
    /// Whether libcurl may send the request again by itself when a reused connection turns out to
    /// be dead. Not what a first, unseen success would answer differently the second time.
    let mayBeReplayed: Bool

    init(_ request: HTTPRequest) throws(HTTPFailure) {
        method = request.method
        url = request.url
        (endpoint, isSecure) = try Self.checkedEndpoint(of: request.url)
        headerLines = try Self.lines(of: request)
        body = request.body
        bodyByteCount = Self.byteCount(of: request.body)
        guard method != .head || bodyByteCount == 0 else {
            throw HTTPFailure(.engine, "a HEAD request has no body")
        }
        timeouts = request.timeouts
        receiveWindow = request.receiveWindow
        usesProxy = request.usesProxy
        mayBeReplayed = Self.mayBeReplayed(request)
    }

    /// Whether the request declares the length of a body, even of an empty one.
    var hasBody: Bool {
        switch method {
        case .put, .post: true
        case .get, .delete: bodyByteCount > 0
        case .head: false
        }
    }

    private static func byteCount(of body: HTTPRequestBody) -> UInt64 {
        switch body {
        case .none: 0
        case .bytes(let pieces): pieces.reduce(0) { $0 &+ UInt64($1.count) }
        case .stream(_, let byteCount): byteCount
        }
    }

    /// Refuses what libcurl would change or cut off silently: what is sent must be what was signed
    /// (S3-02).
    private static func checkedEndpoint(
        of url: String
    ) throws(HTTPFailure) -> (endpoint: String, isSecure: Bool) {
        let isSecure = url.hasPrefix("https://")
        guard isSecure || url.hasPrefix("http://") else {
            throw HTTPFailure(.engine, "the URL is neither http nor https")
        }
        let bytes = url.utf8
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw HTTPFailure(.engine, "the URL has a byte that must be percent-encoded")
        }
        let start = bytes.index(bytes.startIndex, offsetBy: isSecure ? 8 : 7)
        let end =
            bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            ?? bytes.endIndex
        // A user name there would become an Authorization field.
        guard start < end, !bytes[start..<end].contains(UInt8(ascii: "@")) else {
            throw HTTPFailure(.engine, "the URL has no plain host")
        }
        return (String(url[..<end]), isSecure)
    }

    private static func lines(of request: HTTPRequest) throws(HTTPFailure) -> [String] {
        var lines: [String] = []
        lines.reserveCapacity(request.headers.fields.count + 2)
        for field in request.headers.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isNameByte),
                field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { throw HTTPFailure(.engine, "a request header has a byte that is not allowed") }
            // The length is that of the body, and Expect is asked for by its own property.
            if HTTPHeaders.areEqual(field.name, "Content-Length") { continue }
            if HTTPHeaders.areEqual(field.name, "Expect") { continue }
            guard !HTTPHeaders.areEqual(field.name, "Transfer-Encoding") else {
                throw HTTPFailure(.engine, "a body is always sent with its length")
            }
            // libcurl takes "Name:" as "do not send" and "Name;" as an empty field.
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // libcurl would add `Expect` by itself from 1 MiB on, and wait a second for an answer.
        lines.append(request.expectsContinue ? "Expect: 100-continue" : "Expect:")
        if request.headers["Accept"] == nil { lines.append("Accept:") }
        return lines
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func mayBeReplayed(_ request: HTTPRequest) -> Bool {
        if case .stream = request.body { return false }
        switch request.method {
        case .get, .head: return true
        // A deletion that was seen to finds nothing the second time.
        case .post, .delete: return false
        case .put:
            return !request.headers.fields.contains { field in
                let name = field.name.lowercased()
                return name.hasPrefix("if-") || name.contains("-if-")
            }
        }
    }
}
