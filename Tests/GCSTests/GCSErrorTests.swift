import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct GCSErrorTests {
    private func failure(
        _ status: Int, _ code: String? = nil, headers: [String: String] = [:], extra: String = ""
    ) throws -> CloudFailure {
        var fields = HTTPHeaders()
        for (name, value) in headers { fields.append(name, value) }
        let document = try code.map {
            try XMLElement(parsing: Bytes(utf8: "<Error><Code>\($0)</Code>\(extra)</Error>"))
        }
        let service = GCSService(
            endpoint: try GCSEndpoint(nil), credentials: nil, userProject: nil,
            clock: ServiceClock(.system))
        let uri = BlobURI(scheme: .gs, container: "bucket", key: "k")
        return CloudFailure(
            CloudRefusal(status: status, headers: fields, document: document),
            request: CloudRequest(.get, uri, "reading the blob"), service: service)
    }

    @Test(
        arguments: [
            (404, "NoSuchKey", .notFound), (404, nil, .notFound),
            (404, "NoSuchBucket", .containerNotFound), (404, "NoSuchUpload", .uploadNotFound),
            (403, "AccessDenied", .permissionDenied), (403, nil, .permissionDenied),
            (401, "AuthenticationRequired", .backendAuthentication),
            (401, nil, .backendAuthentication), (412, "PreconditionFailed", .preconditionFailed),
            (304, nil, .notModified), (416, "InvalidRange", .rangeNotSatisfiable),
            (400, "EntityTooSmall", .multipart), (400, "InvalidPart", .multipart),
            (400, "BadDigest", .checksumMismatch), (400, "EntityTooLarge", .tooLarge),
            (400, "NotImplemented", .unsupportedOperation), (503, "SlowDown", .backendThrottled),
            (429, nil, .backendThrottled), (429, "TooManyRequests", .backendThrottled),
            (500, "InternalError", .backendUnavailable), (502, nil, .backendUnavailable),
            (504, nil, .backendUnavailable), (400, "KeyTooLong", .invalidURI),
            (403, "RetentionPolicyNotMet", .conflict), (410, nil, .backendUnavailable),
            (418, nil, .other), (308, nil, .backendUnavailable),
            (403, "NeverHeard", .permissionDenied),
        ] as [(Int, String?, BlobError.Code)])
    func `CM-09, GC-09 each refusal has its code`(
        status: Int, code: String?, expected: BlobError.Code
    ) throws {
        #expect(try failure(status, code).error.code == expected)
    }

    @Test func `GC-08 what is repeated, what is put right first, and what is neither`() throws {
        for status in [408, 429, 500, 502, 503, 504] { #expect(try failure(status).retry != nil) }
        for (status, code) in [
            (403, "AccessDenied"), (404, "NoSuchKey"), (412, "PreconditionFailed"),
            (401, "AuthenticationRequired"), (308, nil),
        ] as [(Int, String?)] {
            #expect(try failure(status, code).retry == nil)
        }
        #expect(try failure(401).correction == .credentials)
        #expect(try failure(403, "RequestTimeTooSkewed").correction == .clockSkew)
        #expect(try failure(403, "AccessDenied").correction == nil)
    }

    @Test func `CM-08 a message has the code and the request, and nothing of the document else`()
        throws
    {
        let uploadID = String(repeating: "A_b-", count: 40)
        let failure = try failure(
            403, "AccessDenied", headers: ["x-guploader-uploadid": uploadID],
            extra: "<Details>signer@project.iam has no access</Details>")
        let text = "\(failure.error)"
        #expect(text.contains("AccessDenied, HTTP 403, request \(uploadID.prefix(40))"))
        // The whole of it opens a session.
        #expect(!text.contains(uploadID.prefix(41)) && !text.contains("signer@project"))
    }
}
