import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// What the signer promises beyond the signatures themselves.
@Suite struct SigV4BehaviourTests {
    private let signer = SigV4Signer(cache: SigningKeyCache())
    private let time = Timestamp(milliseconds: 1_795_475_758_000)
    private let credentials = AWSCredentials(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token/+=")

    private func upload(_ query: [(name: String, value: String)]) -> SigV4Request {
        SigV4Request(method: "PUT", host: "h:9000", encodedPath: "/b/k", query: query)
    }

    @Test("Every octet is encoded once, and nothing is normalised (S3-01)")
    func encoding() {
        #expect(
            PercentEncoding.path("a%2Fb//./../é😀 +~") == "a%252Fb//./../%C3%A9%F0%9F%98%80%20%2B~")
        #expect(PercentEncoding.query("a/b c") == "a%2Fb%20c")
        #expect(
            PercentEncoding.path("*'()!=&?#:@$,;") == "%2A%27%28%29%21%3D%26%3F%23%3A%40%24%2C%3B")
        #expect(PercentEncoding.path("") == "")
        for byte in UInt8.min...0x7F {
            let text = String(UnicodeScalar(byte))
            let isKept = PercentEncoding.query(text) == text
            #expect(isKept == text.wholeMatch(of: /[A-Za-z0-9._~\-]/).map { _ in true } ?? false)
        }
    }

    @Test("The query is sorted by encoded name, then by encoded value (S3-04)")
    func canonicalQuery() {
        #expect(SigV4.canonicalQuery([]) == "")
        #expect(SigV4.canonicalQuery([("uploads", "")]) == "uploads=")
        // "a-" sorts before "a=", yet the name "a" comes before the name "a-".
        #expect(SigV4.canonicalQuery([("a-", "1"), ("a", "2"), ("a", "1")]) == "a=1&a=2&a-=1")
        // "é" becomes "%C3%A9", which sorts before "A".
        #expect(SigV4.canonicalQuery([("A", ""), ("é", "")]) == "%C3%A9=&A=")
    }

    @Test("Part URLs equal those signed one by one, wherever the number sorts to (S3-20)")
    func partURLs() throws {
        let numbers: [UInt32] = [1, 2, 9, 10, 11, 99, 100, 1, 10_000, 0, UInt32.max, 3]
        for query in [
            [("uploadId", "id-1~"), ("aaa", "")], [("uploadId", "+/=")],
            [("uploadId", "x"), ("partNumbers", "1"), ("partNumbe", "2")],
            [("uploadId", "x"), ("partNumber", "ignored")],
        ] as [[(name: String, value: String)]] {
            let urls = try signer.presignedPartURLs(
                base: "http://h:9000/b/k", request: upload(query), partNumbers: numbers,
                credentials: credentials, region: "r", at: time, validSeconds: 900)
            let single = try numbers.map { number in
                let one = upload(
                    query.filter { $0.name != "partNumber" } + [("partNumber", String(number))])
                return "http://h:9000/b/k?"
                    + (try signer.presignedQuery(
                        one, credentials: credentials, region: "r", at: time, validSeconds: 900))
            }
            #expect(urls == single)
        }
    }

    @Test("A part URL has the parameters of the signature and of the upload only (S3-20)")
    func partURLParameters() throws {
        let urls = try signer.presignedPartURLs(
            base: "http://h:9000/b/k", request: upload([("uploadId", "u")]), partNumbers: [3],
            credentials: credentials, region: "r", at: time, validSeconds: 900)
        let names = try #require(urls.first).split(separator: "?")[1].split(separator: "&")
            .map { String($0.prefix { $0 != "=" }) }
        #expect(
            names == [
                "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                "X-Amz-Security-Token", "X-Amz-SignedHeaders", "partNumber", "uploadId",
                "X-Amz-Signature",
            ])
    }

    @Test("The signer's own header fields replace those of the caller")
    func ownFields() throws {
        var request = upload([])
        let plain = try signer.authorization(
            request, credentials: credentials, region: "r", at: time)
        request.headers = [("Host", "other"), ("X-Amz-Date", "x"), ("Authorization", "y")]
        let replaced = try signer.authorization(
            request, credentials: credentials, region: "r", at: time)
        #expect(plain == replaced)
        #expect(
            plain.map(\.name) == [
                "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "authorization",
            ])
    }

    @Test("Keys with line breaks, and impossible lives, are refused without telling a secret")
    func refusals() {
        var broken = credentials
        broken.accessKeyID = "AKID\n"
        let failure = #expect(throws: BlobError.self) {
            try signer.authorization(upload([]), credentials: broken, region: "r", at: time)
        }
        #expect(failure?.code == .backendAuthentication)
        #expect(failure?.message.contains("AKID") == false)
        broken = credentials
        broken.sessionToken = "token\r\nx-injected: 1"
        #expect(throws: BlobError.self) {
            try signer.authorization(upload([]), credentials: broken, region: "r", at: time)
        }
        #expect(throws: BlobError.self) {
            try signer.authorization(upload([]), credentials: credentials, region: "", at: time)
        }
        for seconds: UInt32 in [0, 604_801, .max] {
            let failure = #expect(throws: BlobError.self) {
                try signer.presignedQuery(
                    upload([]), credentials: credentials, region: "r", at: time,
                    validSeconds: seconds)
            }
            #expect(failure?.code == .presign)
        }
    }

    @Test("A URL ends with its credentials at the latest (S3-19)")
    func expiry() {
        var temporary = credentials
        #expect(
            SigV4.expiry(presignedAt: time, validSeconds: 60, credentials: temporary)
                == Timestamp(milliseconds: time.milliseconds + 60_000))
        temporary.expiresAt = Timestamp(milliseconds: time.milliseconds + 5000)
        #expect(
            SigV4.expiry(presignedAt: time, validSeconds: 60, credentials: temporary)
                == temporary.expiresAt)
    }

    @Test("The time given is signed, which a corrected clock relies on (S3-17)")
    func time17() throws {
        let fields = try signer.authorization(
            upload([]), credentials: credentials, region: "r",
            at: Timestamp(milliseconds: time.milliseconds - 3_600_000))
        #expect(fields.first?.value == "20261123T221558Z")
    }

    @Test("Keys are cached, and old days do not pile up")
    func keyCache() throws {
        let cache = SigningKeyCache()
        for _ in 0..<3 {
            _ = try cache.key(secret: "s", date: "20260101", region: "r", service: "s3")
        }
        #expect(cache.count == 1)
        for number in 0..<1000 {
            _ = try cache.key(secret: "s", date: "d\(number)", region: "r", service: "s3")
        }
        #expect(cache.count <= 256)
    }

    @Test("An empty body has the hash of no bytes")
    func payloadHash() throws {
        #expect(try SigV4.payloadHash([]) == SigV4.emptyPayloadHash)
        #expect(try SigV4.payloadHash([Bytes(), Bytes()]) == SigV4.emptyPayloadHash)
    }
}
