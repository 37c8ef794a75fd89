import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signed URLs in the hands of curl, against a server that verifies them.
@Suite(.timeLimit(.minutes(10))) struct GoogleSignedURLTests {
    private static let keys = [
        "plain", "a b", "a+b", "a%2Fb", "é😀", "a//b", "/lead", "trail/", "*'()!", "=&?#", ":@$,;",
        "~-._", "%", "[]{}|\\^`\"<>",
    ]

    @Test("Whatever the key, its URL reads and writes it (GC-01)")
    func keys() async throws {
        let oracle = try await GoogleOracleFixture()
        let chain = try oracle.chain(oracle.google.admin.files["serviceAccount"])
        let prefix = oracle.server.freshPrefix()
        for name in Self.keys {
            let key = "\(prefix)/\(name)"
            let put = try await oracle.url(chain, oracle.request("PUT", key))
            let body = Bytes(utf8: "body of \(name)")
            #expect(try await Curl.send(put, body: body, options: ["--path-as-is"]).status == 200)
            #expect(try await oracle.server.get(key) == body)
            let get = try await oracle.url(chain, oracle.request("GET", key))
            let answer = try await Curl.send(get, options: ["--path-as-is"])
            #expect(answer.status == 200 && answer.body == body)
        }
        #expect(try await oracle.server.keys(prefix: prefix + "/").count == Self.keys.count)
    }

    @Test("Everybody with an account can sign, and the URL opens one thing for one purpose")
    func signers() async throws {
        let oracle = try await GoogleOracleFixture()
        let target = try await oracle.identity(role: "reader")
        let other = try await oracle.server.googleIdentity(
            role: "nobody", mayActAs: [target.name])
        let key = oracle.server.freshPrefix() + "/a b"
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        for chain in [
            try oracle.chain(target.files["serviceAccount"]), oracle.machine(target),
            try oracle.chain(other.files["impersonatedServiceAccount"]),
            try oracle.chain(other.files["impersonatedFromServiceAccount"]),
            try oracle.chain(other.files["externalAccountImpersonated"]),
        ] {
            let request = try oracle.request("GET", key)
            let url = try await oracle.url(chain, request)
            let answer = try await Curl.send(url)
            #expect(answer.status == 200 && answer.body.utf8Text == "hello")
            #expect(try await Curl.send(url, headers: ["Range": "bytes=1-2"]).status == 206)
            for tampered in [
                url.replacing("a%20b", with: "a%20c"),
                url.replacing("X-Goog-Expires=600", with: "X-Goog-Expires=601"),
                url.replacing("&X-Goog-Signature=", with: "&x=y&X-Goog-Signature="),
                String(url.dropLast()) + (url.hasSuffix("0") ? "1" : "0"),
            ] {
                #expect(try await Curl.send(tampered).status == 403)
            }
            #expect(try await Curl.send(url, method: "DELETE").status == 403)
            #expect(try await Curl.send(url, body: Bytes(utf8: "x")).status == 403)
            #expect(try await Curl.send(url, headers: ["x-goog-meta-a": "b"]).status == 403)
            let expired = try await oracle.url(chain, request, age: 100, validSeconds: 60)
            #expect(try await Curl.send(expired).status == 400)
            let write = try await oracle.url(chain, oracle.request("PUT", key))
            #expect(try await Curl.send(write, body: Bytes(utf8: "x")).status == 403)
        }
    }

    @Test("Who may not sign as an account is told so, by name of the role (GC-06)")
    func notAllowed() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.server.googleIdentity()
        let request = try oracle.request("GET", "k")
        let failure = await expectError(.presign) {
            _ = try await oracle.url(oracle.machine(identity), request)
        }
        #expect(failure?.message.contains("roles/iam.serviceAccountTokenCreator") == true)
        for kind in ["authorizedUser", "externalAccountFile"] {
            let chain = try oracle.chain(identity.files[kind])
            let failure = await expectError(.presign) { _ = try await oracle.url(chain, request) }
            #expect(failure?.message.contains("cannot sign URLs") == true)
            // The same identity signs as an account that the configuration names.
            var context = oracle.context()
            context.credentialsFile = identity.files[kind]
            context.signingAccount = identity.email
            try await oracle.server.call(
                "setIdentity",
                ["name": .text(identity.name), "mayActAs": [.text(identity.name)]])
            let key = oracle.server.freshPrefix()
            try await oracle.server.put(key, Bytes(utf8: "hello"))
            let url = try await oracle.url(
                GoogleCredentialChain(context), oracle.request("GET", key))
            #expect(try await Curl.send(url).status == 200)
        }
    }

    @Test("Signed header fields must be sent as signed")
    func headers() async throws {
        let oracle = try await GoogleOracleFixture()
        let chain = try oracle.chain(oracle.google.admin.files["serviceAccount"])
        let key = oracle.server.freshPrefix()
        let url = try await oracle.url(
            chain,
            oracle.request(
                "PUT", key,
                headers: [("Content-Type", "text/x  y"), ("X-Goog-Meta-Colour", " blue ")]))
        let body = Bytes(utf8: "x")
        let good = ["content-type": "text/x y", "x-goog-meta-colour": "blue"]
        #expect(try await Curl.send(url, body: body, options: arguments(good)).status == 200)
        for (name, value) in [("content-type", "text/z"), ("x-goog-meta-colour", "red")] {
            let bad = good.merging([name: value]) { _, last in last }
            #expect(try await Curl.send(url, body: body, options: arguments(bad)).status == 403)
        }
        let head = try await oracle.server.head(key)
        #expect(head?.metadata == ["colour": "blue"] && head?.contentType == "text/x y")
    }

    /// As options, for `Curl` takes the content type away from bodies.
    private func arguments(_ headers: [String: String]) -> [String] {
        headers.flatMap { ["--header", "\($0.key): \($0.value)"] }
    }

    @Test("Parameters of the response are part of the signature")
    func responseParameters() async throws {
        let oracle = try await GoogleOracleFixture()
        let chain = try oracle.chain(oracle.google.reader.files["serviceAccount"])
        let key = oracle.server.freshPrefix()
        try await oracle.server.put(key, Bytes(utf8: "hello"))
        let url = try await oracle.url(
            chain,
            oracle.request(
                "GET", key,
                query: [("response-content-disposition", "attachment; filename=\"a+b é.txt\"")]))
        let answer = try await Curl.send(url)
        #expect(answer.status == 200)
        #expect(
            answer.headers["content-disposition"]?.hasPrefix("attachment; filename=\"a+b") == true)
        #expect(try await Curl.send(url.replacing("attachment", with: "inline")).status == 403)
    }

    @Test("Parts are uploaded by plain PUTs to their URLs")
    func parts() async throws {
        let oracle = try await GoogleOracleFixture()
        let identity = try await oracle.identity()
        let key = oracle.server.freshPrefix() + "/é +%"
        for chain in [
            try oracle.chain(identity.files["serviceAccount"]), oracle.machine(identity),
        ] {
            let token = try await chain.credentials().token
            let started = try await oracle.send(.post, key, query: "?uploads", token: token)
            let document = try XMLElement(parsing: started.body)
            let uploadID = try #require(document.text(of: "UploadId"))
            let first = Bytes([UInt8](repeating: 65, count: 5 << 20))
            let signed = try await oracle.signer(chain).partURLs(
                oracle.request("PUT", key, query: [("uploadId", uploadID)]), partNumbers: [1, 2],
                at: WallClock.system.now(), validSeconds: 600)
            var list = ""
            for (number, url) in signed.urls.enumerated() {
                let body = number == 0 ? first : Bytes(utf8: "end")
                let answer = try await Curl.send(url, body: body)
                #expect(answer.status == 200)
                let tag = try #require(answer.headers["etag"])
                list += "<Part><PartNumber>\(number + 1)</PartNumber><ETag>\(tag)</ETag></Part>"
            }
            let completed = try await oracle.send(
                .post, key, query: "?uploadId=\(PercentEncoding.query(uploadID))",
                body: "<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>", token: token)
            #expect(completed.status == 200)
            #expect(try await oracle.server.head(key)?.size == (5 << 20) + 3)
            // The upload is over, and so are its URLs.
            let late = try await Curl.send(signed.urls[1], body: Bytes(utf8: "late"))
            #expect(late.status == 404)
        }
    }
}
