import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signatures of URLs and of requests, against Microsoft's client and the documentation.
@Suite struct AzureSignatureTests {
    private static let account = "account1"
    private static let key = Base64.text(of: [UInt8](0..<64))
    private static let time = Timestamp(milliseconds: 1_795_475_758_999)

    private let endpoint: AzureEndpoint
    private let sharedKey: AzureSharedKey

    init() throws {
        endpoint = try AzureEndpoint(account: Self.account)
        sharedKey = AzureSharedKey(
            account: Self.account, key: try AzureSigningKey(base64: Self.key))
    }

    private func resource(_ key: String) throws -> AzureResource {
        endpoint.resource(
            try AzureBlobName(
                BlobURI(scheme: .az, container: "blobs", key: key), at: endpoint))
    }

    private func signature(_ key: String) throws -> AzureSharedAccessSignature {
        AzureSharedAccessSignature(
            resource: try resource(key), permissions: .read, expiry: Self.time)
    }

    @Test("URLs signed by Microsoft's client, for an account and for a user (AZ-02, AZ-03)")
    func signedURLs() throws {
        let vectors = try AzureVectors.load().signatures
        #expect(vectors.count >= 200)
        for vector in vectors {
            let query = try vector.sharedAccessSignature().query(by: vector.grantor)
            let parameters = vector.parameters.map { [$0.name, $0.value] }
            #expect(try AzureFixture.parameters(query) == parameters, "\(vector)")
        }
    }

    @Test("Requests signed by Microsoft's client (AZ-02)")
    func requests() throws {
        let vectors = try AzureVectors.load().requests
        #expect(vectors.count >= 100)
        for vector in vectors {
            var headers = HTTPHeaders()
            for pair in vector.headers { headers.append(pair.name, pair.value) }
            let request = AzureRequest(
                method: vector.method, encodedPath: vector.path, query: vector.query.pairs,
                headers: headers, contentByteCount: vector.contentByteCount)
            let key = AzureSharedKey(
                account: vector.account, key: try AzureSigningKey(base64: vector.key))
            #expect(try key.authorization(request) == vector.authorization, "\(vector)")
        }
    }

    @Test("What Microsoft's client leaves out: a range, and a parameter that is there twice")
    func documentedRequest() throws {
        var headers = HTTPHeaders()
        headers.append("Range", "bytes=0-9")
        headers.append("X-Ms-Meta-B", " two \t words ")
        headers.append("x-ms-meta-b", "three")
        headers.append("x-ms-date", "D")
        headers.append("date", "not signed")
        let request = AzureRequest(
            method: "GET", encodedPath: "/blobs/a%20b",
            query: [("include", "metadata"), ("Comp", "x y"), ("include", "copy")],
            headers: headers, contentByteCount: 0)
        let expected = """
            GET










            bytes=0-9
            x-ms-date:D
            x-ms-meta-b:two words,three
            /account1/blobs/a%20b
            comp:x y
            include:copy,metadata
            """
        #expect(sharedKey.stringToSign(request) == expected)
        #expect(request.target == "/blobs/a%20b?include=metadata&Comp=x%20y&include=copy")
    }

    @Test("A URL carries the least: no start, https only, and nothing that is not used (AZ-04)")
    func leastQuery() throws {
        let query = try signature("a b").query(by: .account(sharedKey))
        let names = try AzureFixture.parameters(query).map { $0[0] }
        #expect(names == ["se", "sig", "sp", "spr", "sr", "sv"])
        #expect(query.contains("spr=https&") && query.contains("sp=r&"))
        #expect(query.contains("se=2026-11-23T23%3A15%3A58Z"))
        let plain = try AzureEndpoint("http://127.0.0.1:10000/devstoreaccount1")
        var other = try signature("a b")
        other.resource = plain.resource(
            try AzureBlobName(BlobURI(scheme: .az, container: "blobs", key: "a"), at: plain))
        #expect(!(try other.query(by: .account(sharedKey)).contains("spr")))
        #expect(AzurePermissions([.list, .delete, .read, .write, .create]).text == "rcwdl")
    }

    @Test("A plus in a signature is encoded (AZ-03)")
    func plus() throws {
        var pluses = 0
        for number in 0..<64 {
            let query = try signature("\(number)").query(by: .account(sharedKey))
            #expect(!query.contains("+"))
            if query.contains("%2B") { pluses += 1 }
        }
        #expect(pluses > 0)
    }

    @Test("A key signs no URL that outlives it (AZ-13)")
    func outliving() async throws {
        let properties = ["o", "t", "2026-11-23T00:00:00Z", "2026-11-23T23:15:57Z", "b", "v"]
        let delegation = try AzureFixture.delegationKey(properties, value: Self.key)
        await expectError(.presign) {
            _ = try signature("a").query(by: .user(delegation))
        }
        var short = try signature("a")
        short.expiry = delegation.end
        #expect(try short.query(by: .user(delegation)).contains("&skoid=o&sktid=t&"))
    }

    @Test("Block names have one length, and their URLs differ in nothing else (AZ-05)")
    func blocks() throws {
        let nonce: [UInt8] = (0..<16).map { 0xFB ^ $0 }
        let names = AzureBlockNames(nonce: nonce)
        let numbers: [UInt32] = [1, 9, 10, 50_000, 0x00FF_FEFD, .max]
        let base = "https://h/c/b?sig=x"
        let urls = names.urls(of: numbers, signedURL: base)
        for (number, url) in zip(numbers, urls) {
            let name = names.name(of: number)
            #expect(name.utf8.count == 28)
            let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
            #expect(Base64.bytes(of: name) == nonce + bytes)
            #expect(url == "\(base)&comp=block&blockid=\(PercentEncoding.query(name))")
        }
        #expect(urls.contains { $0.contains("%2B") } && urls.contains { $0.contains("%2F") })
        #expect(Set(urls).count == numbers.count)
    }

    @Test("Keys compare by what they are, and show nothing of it (CM-08)")
    func keys() async throws {
        let same = try AzureSigningKey(base64: Self.key)
        #expect(sharedKey.key == same)
        #expect(try AzureSigningKey(base64: Base64.text(of: [1, 2])) != same)
        let shown = "\(sharedKey) \(same) " + String(reflecting: sharedKey)
        #expect(shown.contains("REDACTED") && !shown.contains(Self.key.prefix(8)))
        for text in ["", "no base64!", Self.key + "\n", String(Self.key.dropLast())] {
            let error = await expectError(.backendAuthentication) {
                _ = try AzureSigningKey(base64: text)
            }
            #expect(error?.message.contains("Base64") == true)
            if text.count > 20 { #expect(error?.message.contains(text.prefix(20)) == false) }
        }
    }

    @Test(
        "Times of signatures and of header fields",
        arguments: [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_999, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696_000, "2000-02-29T12:34:56Z", "Tue, 29 Feb 2000 12:34:56 GMT"),
            (-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
            (4_102_444_800_000, "2100-01-01T00:00:00Z", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ])
    func times(milliseconds: Int64, iso8601: String, httpDate: String) {
        let time = Timestamp(milliseconds: milliseconds)
        #expect(time.iso8601Seconds == iso8601)
        #expect(time.httpDate == httpDate)
    }
}
