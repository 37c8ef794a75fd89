import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// The signer against the test suite of AWS, the examples of its documentation, and botocore.
@Suite struct SigV4SignerTests {
    private static let exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    private static let exampleTime = Timestamp(milliseconds: 1_369_353_600_000)
    private static let exampleHost = "examplebucket.s3.amazonaws.com"

    private static func request(_ vector: BotocoreVector) -> SigV4Request {
        SigV4Request(
            method: vector.method, host: vector.host,
            encodedPath: PercentEncoding.path(vector.prefix + vector.key),
            query: vector.query.pairs, headers: vector.headers.pairs,
            payloadHash: vector.payloadHash ?? SigV4.unsignedPayload)
    }

    private static func credentials(_ vector: BotocoreVector) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: vector.accessKeyID, secretAccessKey: vector.secretAccessKey,
            sessionToken: vector.sessionToken)
    }

    @Test("The AWS test suite has its 34 cases")
    func suiteIsComplete() {
        #expect(SigningVectors.suite.count == 34)
    }

    @Test("The AWS test suite (S3-04)", arguments: SigningVectors.suite)
    func suite(vector: SuiteVector) throws {
        let signer = SigV4Signer(service: "service", cache: SigningKeyCache())
        let body = Bytes(utf8: vector.body)
        let request = SigV4Request(
            method: vector.method, host: "example.amazonaws.com", encodedPath: vector.path,
            query: vector.query.pairs, headers: vector.headers.pairs,
            payloadHash: try SigV4.payloadHash([body.prefix(3), body.dropFirst(3)]))
        let fields = try signer.authorization(
            request,
            credentials: AWSCredentials(
                accessKeyID: "AKIDEXAMPLE",
                secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                sessionToken: vector.sessionToken),
            region: "us-east-1", at: Timestamp(milliseconds: 1_440_938_160_000))
        #expect(fields.last?.name == "authorization")
        #expect(fields.last?.value == vector.authorization)
        #expect(fields.first == .init(name: "x-amz-date", value: "20150830T123600Z"))
    }

    @Test("Requests signed by botocore, in headers and in the query (S3-01, S3-04, S3-05)")
    func botocore() throws {
        let signer = SigV4Signer(cache: SigningKeyCache())
        let vectors = SigningVectors.botocore()
        #expect(vectors.count >= 300)
        for vector in vectors {
            let request = Self.request(vector)
            let time = Timestamp(milliseconds: vector.seconds * 1000 + 999)
            #expect(request.encodedPath == vector.path)
            switch vector.kind {
            case "header":
                if let body = vector.body {
                    #expect(try SigV4.payloadHash([Bytes(utf8: body)]) == request.payloadHash)
                }
                let fields = try signer.authorization(
                    request, credentials: Self.credentials(vector), region: vector.region,
                    at: time)
                #expect(fields.last?.value == vector.authorization, "\(vector)")
                let token = fields.first { $0.name == "x-amz-security-token" }
                #expect(token?.value == vector.sessionToken)
            case "query":
                let query = try signer.presignedQuery(
                    request, credentials: Self.credentials(vector), region: vector.region,
                    at: time, validSeconds: vector.validSeconds)
                let signature = try #require(vector.signature)
                #expect(query.hasSuffix("&X-Amz-Signature=\(signature)"), "\(vector)")
            default:
                let base = "\(vector.scheme)://\(vector.host)\(vector.path)"
                let urls = try signer.presignedPartURLs(
                    base: base, request: request, partNumbers: [7, vector.partNumber],
                    credentials: Self.credentials(vector), region: vector.region, at: time,
                    validSeconds: vector.validSeconds)
                let signature = try #require(vector.signature)
                #expect(urls.last?.hasSuffix("&X-Amz-Signature=\(signature)") == true, "\(vector)")
                #expect(urls.last?.hasPrefix("\(base)?X-Amz-Algorithm=") == true)
            }
        }
    }

    @Test("The example of S3's documentation that reads a range")
    func documentedRangeRead() throws {
        let fields = try SigV4Signer(cache: SigningKeyCache()).authorization(
            SigV4Request(
                method: "GET", host: Self.exampleHost, encodedPath: "/test.txt",
                headers: [("Range", "bytes=0-9")], payloadHash: SigV4.emptyPayloadHash),
            credentials: AWSCredentials(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Self.exampleSecret),
            region: "us-east-1", at: Self.exampleTime)
        let value = try #require(fields.last?.value)
        #expect(
            value.hasSuffix(
                "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"))
    }

    @Test("The example of S3's documentation that lists objects")
    func documentedList() throws {
        let fields = try SigV4Signer(cache: SigningKeyCache()).authorization(
            SigV4Request(
                method: "GET", host: Self.exampleHost, encodedPath: "/",
                query: [("max-keys", "2"), ("prefix", "J")],
                payloadHash: SigV4.emptyPayloadHash),
            credentials: AWSCredentials(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Self.exampleSecret),
            region: "us-east-1", at: Self.exampleTime)
        let value = try #require(fields.last?.value)
        #expect(
            value.hasSuffix(
                "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    @Test("The presigned example of S3's documentation")
    func documentedPresignedRead() throws {
        let query = try SigV4Signer(cache: SigningKeyCache()).presignedQuery(
            SigV4Request(method: "GET", host: Self.exampleHost, encodedPath: "/test.txt"),
            credentials: AWSCredentials(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: Self.exampleSecret),
            region: "us-east-1", at: Self.exampleTime, validSeconds: 86_400)
        let expected = [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request",
            "X-Amz-Date=20130524T000000Z", "X-Amz-Expires=86400", "X-Amz-SignedHeaders=host",
            "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        ]
        #expect(query == expected.joined(separator: "&"))
    }
}
