import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// V4 signatures against Google's conformance tests and Google's client.
@Suite struct GoogleV4Tests {
    private let email: String
    private let key: RSASigningKey

    init() throws {
        let account = try #require(GoogleSigningVectors.account)
        email = account.client_email
        key = try #require(RSASigningKey(pem: account.private_key))
    }

    private func url(
        _ request: GoogleV4Request, email: String, scope: GoogleV4Scope, validSeconds: UInt32 = 60
    ) throws -> String {
        let url = try GoogleV4Presigning(
            request, email: email, scope: scope, validSeconds: validSeconds
        ).url()
        return url.signed(with: try key.signature(of: url.stringToSign))
    }

    private func time(_ text: String) throws -> Timestamp {
        try #require(
            Timestamp(iso8601: text) ?? (text == "20190201T090000Z" ? Self.exampleTime : nil))
    }

    private static let exampleTime = Timestamp(milliseconds: 1_549_011_600_000)

    @Test("Google's conformance tests are complete")
    func conformanceIsComplete() {
        #expect(GoogleSigningVectors.conformance.signingV4Tests.count == 22)
        #expect(GoogleSigningVectors.conformance.postPolicyV4Tests.count == 11)
    }

    /// With the date as text and the path unencoded, which is how the client's tests hand them over.
    @Test(
        "Google's conformance tests, as its client has them (GC-01)",
        arguments: GoogleSigningVectors.conformance.signingV4Tests)
    func conformance(vector: GoogleURLVector) throws {
        let url = try url(
            vector.request(encode: false), email: email,
            scope: GoogleV4Scope(dateAndTime: vector.timestamp), validSeconds: vector.expiration)
        #expect(url == vector.expectedUrl)
    }

    @Test(
        "What is signed in Google's conformance tests, with real times and encoded paths (GC-01)",
        arguments: GoogleSigningVectors.conformance.signingV4Tests)
    func signedStrings(vector: GoogleURLVector) throws {
        let scope = GoogleV4Scope(try time(vector.timestamp))
        func presigning(_ email: String) throws -> GoogleV4Presigning {
            try GoogleV4Presigning(
                vector.request(), email: email, scope: scope, validSeconds: vector.expiration)
        }
        guard let canonical = vector.expectedCanonicalRequest,
            let string = vector.expectedStringToSign
        else {
            // The two that come without: their URLs are right, and the test above has them.
            #expect(vector.description.hasPrefix("Get Bucket with"))
            return
        }
        #expect(try presigning(email).canonicalRequest == canonical)
        #expect(try presigning(GoogleSigningVectors.formerEmail).url().stringToSign == string)
    }

    @Test(
        "Google's conformance tests, as its repository has them (GC-01)",
        .enabled(if: GoogleSigningVectors.original != nil))
    func original() throws {
        let vectors = try #require(GoogleSigningVectors.original)
        #expect(vectors.signingV4Tests.count >= 29)
        for vector in vectors.signingV4Tests {
            let url = try url(
                vector.request(), email: GoogleSigningVectors.formerEmail,
                scope: GoogleV4Scope(try time(vector.timestamp)), validSeconds: vector.expiration)
            #expect(url == vector.expectedUrl, "\(vector.description)")
        }
        for vector in vectors.postPolicyV4Tests {
            try check(vector, email: GoogleSigningVectors.formerEmail)
        }
    }

    /// Forms are no part of the product; the key signs them all the same.
    @Test(
        "Google's conformance tests of signed forms",
        arguments: GoogleSigningVectors.conformance.postPolicyV4Tests)
    func policy(vector: GooglePolicyVector) throws {
        try check(vector, email: email)
    }

    private func check(_ vector: GooglePolicyVector, email: String) throws {
        let policy = try GooglePostPolicy(vector.policyInput, email: email)
        // Quotation marks are escaped in one copy of the tests and not in the other.
        let decoded = vector.policyOutput.expectedDecodedPolicy.filter { $0 != "\\" }
        #expect(policy.decodedText == decoded)
        let signature = try key.signature(of: Base64.text(of: Array(policy.text.utf8)))
        let expected = vector.policyOutput.fields
        #expect(HexText.text(of: signature) == expected["x-goog-signature"])
        #expect(policy.credential == expected["x-goog-credential"])
        #expect(policy.date == expected["x-goog-date"])
    }

    @Test("URLs signed by Google's client (GC-01, GC-10)")
    func client() throws {
        let vectors = GoogleSigningVectors.client
        #expect(vectors.count >= 160)
        for vector in vectors {
            let time = Timestamp(milliseconds: vector.seconds * 1000 + 999)
            let url = try url(
                vector.request, email: vector.email, scope: GoogleV4Scope(time),
                validSeconds: vector.validSeconds)
            #expect(url == vector.url)
        }
    }

    private var upload: GoogleV4Request {
        GoogleV4Request(
            method: "PUT", origin: "http://127.0.0.1:9000", host: "127.0.0.1:9000",
            encodedPath: "/b/a%20b",
            query: [("uploadId", "ABPn/zt+x=="), ("partNumber", "replaced")])
    }

    @Test("The URLs of parts are those of single requests, whatever the parameters")
    func parts() throws {
        let scope = GoogleV4Scope(Self.exampleTime)
        let numbers: [UInt32] = [1, 9, 10, 99, 9999, 10_000, 7]
        for names in [[], ["a"], ["zz"], ["a", "p", "partNumbe", "partNumberX", "zz"]] {
            var request = upload
            request.query += names.map { ($0, "v/") }
            let parts = try GoogleV4Presigning(
                request, email: email, scope: scope, validSeconds: 900
            ).partURLs(numbers)
            let single = try numbers.map { number in
                var one = request
                one.query = request.query.filter { $0.name != "partNumber" }
                one.query.append(("partNumber", String(number)))
                return try GoogleV4Presigning(
                    one, email: email, scope: scope, validSeconds: 900
                ).url()
            }
            #expect(parts.map(\.text) == single.map(\.text))
            #expect(parts.map(\.stringToSign) == single.map(\.stringToSign))
        }
    }

    @Test("A part URL has the parameters of the signature and of the upload only")
    func partParameters() throws {
        let urls = try GoogleV4Presigning(
            upload, email: email, scope: GoogleV4Scope(Self.exampleTime), validSeconds: 900
        ).partURLs([3])
        let names = try #require(urls.first).signed(with: [1]).split(separator: "?")[1]
            .split(separator: "&").map { String($0.prefix { $0 != "=" }) }
        #expect(
            names == [
                "X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires",
                "X-Goog-SignedHeaders", "partNumber", "uploadId", "X-Goog-Signature",
            ])
    }

    @Test("Names sort before values, as the service's documentation has it")
    func order() throws {
        var request = upload
        request.query = [("a1", "x"), ("a", "y")]
        let query = try url(request, email: email, scope: GoogleV4Scope(Self.exampleTime))
        #expect(query.contains("&a=y&a1=x&"))
    }

    @Test("A URL can be valid for one second to seven days (CM-16)")
    func validity() throws {
        for seconds: UInt32 in [1, 604_800] {
            _ = try GoogleV4Presigning(
                upload, email: email, scope: GoogleV4Scope(Self.exampleTime), validSeconds: seconds)
        }
        for seconds: UInt32 in [0, 604_801, .max] {
            let failure = #expect(throws: BlobError.self) {
                try GoogleV4Presigning(
                    upload, email: email, scope: GoogleV4Scope(Self.exampleTime),
                    validSeconds: seconds)
            }
            #expect(failure?.code == .presign)
        }
    }

    @Test("What is no private RSA key without a password is refused")
    func keys() throws {
        let pem = try #require(GoogleSigningVectors.account).private_key
        #expect(RSASigningKey(pem: pem.replacing("\n", with: "\r\n")) != nil)
        let curve = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNT1hFTWhV5hpEPT/
            Dh3o6FTZ3AXdIx1ymU8bqWPV+AqhRANCAARM2vAKM6GosLsDPW8mJ5rsDqSnZ/y7
            NO8ezrIwlMwyPAd1sEJzNxRv6nNOsKLbYeKujB6FB38xX7OEhxfBEerl
            -----END PRIVATE KEY-----
            """
        for text in [
            "", "x", String(pem.prefix(400)), curve,
            pem.filter { $0 != "\n" },
        ] {
            #expect(RSASigningKey(pem: text) == nil)
        }
    }

    @Test("Many threads sign with one key at once")
    func concurrency() async throws {
        let key = key
        let expected = try key.signature(of: "text")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<64 {
                group.addTask { (try? key.signature(of: "text")) == expected }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }
}
