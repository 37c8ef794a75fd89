import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct S3FailureTests {
    private let uri = BlobURI(scheme: .s3, container: "bucket", key: "k")

    private func failure(
        _ status: Int, _ code: String? = nil, headers: [String: String] = [:],
        extra: String = ""
    ) throws -> CloudFailure {
        var fields = HTTPHeaders()
        for (name, value) in headers { fields.append(name, value) }
        let document = try code.map {
            try XMLElement(parsing: Bytes(utf8: "<Error><Code>\($0)</Code>\(extra)</Error>"))
        }
        let service = S3Service(
            endpoint: try S3Endpoint(S3Configuration()), credentials: nil,
            regions: S3Regions { () throws(BlobError) in nil }, commonHeaders: HTTPHeaders(),
            clock: .system)
        return CloudFailure(
            CloudRefusal(status: status, headers: fields, document: document),
            request: CloudRequest(.get, uri, "reading the blob"), service: service)
    }

    @Test(
        arguments: [
            (404, "NoSuchKey", .notFound), (404, nil, .notFound),
            (404, "NoSuchBucket", .containerNotFound), (404, "NoSuchUpload", .uploadNotFound),
            (403, "AccessDenied", .permissionDenied), (403, nil, .permissionDenied),
            (403, "SignatureDoesNotMatch", .backendAuthentication),
            (403, "InvalidAccessKeyId", .backendAuthentication),
            (412, "PreconditionFailed", .preconditionFailed), (304, nil, .notModified),
            (416, "InvalidRange", .rangeNotSatisfiable), (400, "EntityTooSmall", .multipart),
            (400, "InvalidPart", .multipart), (400, "BadDigest", .checksumMismatch),
            (403, "InvalidObjectState", .unsupportedOperation),
            (501, "NotImplemented", .unsupportedOperation),
            (503, "SlowDown", .backendThrottled), (429, nil, .backendThrottled),
            (500, "InternalError", .backendUnavailable), (502, nil, .backendUnavailable),
            (400, "KeyTooLongError", .invalidURI), (409, "OperationAborted", .conflict),
            (507, nil, .noSpace), (418, nil, .other), (301, nil, .backendUnavailable),
        ] as [(Int, String?, BlobError.Code)])
    func `CM-09, S3-09, S3-23 each refusal has its code`(
        status: Int, code: String?, expected: BlobError.Code
    ) throws {
        #expect(try failure(status, code).error.code == expected)
    }

    @Test func `S3-16 what is repeated and what is not`() throws {
        #expect(try failure(503, "SlowDown").retry == .throttled)
        #expect(try failure(500, "InternalError").retry == .transient)
        #expect(try failure(400, "RequestTimeout").retry == .timeout)
        #expect(try failure(409, "ConditionalRequestConflict").retry == .transient)
        for (status, code) in [
            (403, "AccessDenied"), (404, "NoSuchKey"), (412, "PreconditionFailed"),
        ] {
            #expect(try failure(status, code).retry == nil)
        }
    }

    @Test func `S3-07, S3-17, S3-18 what is put right first`() throws {
        #expect(try failure(403, "RequestTimeTooSkewed").correction == .clockSkew)
        #expect(try failure(400, "ExpiredToken").correction == .credentials)
        let moved = try failure(
            301, "PermanentRedirect",
            extra: "<Endpoint>bucket.s3.eu-west-1.amazonaws.com</Endpoint>")
        #expect(moved.correction == .location && moved.location == "eu-west-1")
        let header = try failure(307, headers: ["x-amz-bucket-region": "eu-west-3"])
        #expect(header.correction == .location && header.location == "eu-west-3")
        let malformed = try failure(
            400, "AuthorizationHeaderMalformed", extra: "<Region>ap-south-1</Region>")
        #expect(malformed.correction == .location && malformed.location == "ap-south-1")
        let hostile = try failure(301, headers: ["x-amz-bucket-region": "evil.example/"])
        #expect(hostile.location == nil)
        let old = try failure(
            301, "PermanentRedirect", extra: "<Endpoint>b.s3-us-west-2.amazonaws.com</Endpoint>")
        #expect(old.location == "us-west-2")
    }

    @Test func `CM-08 a message has the code and the request, and nothing of the document else`()
        throws
    {
        let failure = try failure(
            403, "SignatureDoesNotMatch", headers: ["x-amz-request-id": "REQ-1"],
            extra: "<StringToSign>AWS4-SECRET</StringToSign><Message>AKIAKEY</Message>")
        let text = "\(failure.error)"
        #expect(text.contains("SignatureDoesNotMatch") && text.contains("REQ-1"))
        #expect(!text.contains("AWS4-SECRET") && !text.contains("AKIAKEY"))
        let hostile = try self.failure(400, "Évil code", headers: ["x-amz-request-id": "\u{7}"])
        #expect(hostile.error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test func `the size of the blob comes with a range past its end`() throws {
        let failure = try failure(416, "InvalidRange", headers: ["content-range": "bytes */42"])
        #expect(failure.error.objectByteCount == 42)
    }
}
