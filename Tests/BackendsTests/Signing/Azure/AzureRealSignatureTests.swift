import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signed requests and URLs, sent by curl to a server that verifies them.
@Suite(.timeLimit(.minutes(10))) struct AzureRealSignatureTests {
    private static let block = ["x-ms-blob-type": "BlockBlob"]

    @Test("Requests for every odd name are accepted (AZ-02)", arguments: AzureOracle.names)
    func requests(name: String) async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key(name)
        let body = Bytes(utf8: "0123456789")
        let put = try await oracle.send(
            "PUT", key,
            headers: [
                "x-ms-blob-type": "BlockBlob", "x-ms-meta-a_b": "1", "x-ms-meta-a1": "2",
                "x-ms-meta-ab": "3", "x-ms-meta-A": "4  5",
            ], body: body)
        #expect(put.status == 201, "\(put)")
        #expect(try await oracle.server.get(key) == body)
        let get = try await oracle.send("GET", key, headers: ["x-ms-range": "bytes=2-4"])
        #expect(get.summary == "206 234")
        let head = try await oracle.send("DELETE", key)
        #expect(head.status == 202)
    }

    @Test("An empty body, a range of HTTP's own, and a query that repeats itself")
    func documentedRules() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("empty")
        #expect(try await oracle.send("PUT", key, headers: Self.block, body: Bytes()).status == 201)
        let range = try await oracle.send("GET", key, headers: ["Range": "bytes=0-9"])
        #expect(range.code == "InvalidRange")
        let list = try await oracle.send(
            "GET", "",
            query: [
                ("restype", "container"), ("comp", "list"), ("include", "metadata"),
                ("prefix", key), ("include", "copy"),
            ])
        #expect(list.status == 200 && list.body.utf8Text?.contains("empty") == true)
    }

    @Test("Requests that were changed after they were signed, and those of another key")
    func tamperedRequests() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("tampered")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        let changes: [(inout [String: String]) -> Void] = [
            { $0["x-ms-range"] = "bytes=0-0" }, { $0["x-ms-version"] = "2022-11-02" },
            { $0["authorization"]? += "A" }, { $0["Content-Type"] = "text/plain" },
            { $0["x-ms-date"] = "Sun, 06 Nov 1994 08:49:37 GMT" },
        ]
        for change in changes {
            let answer = try await oracle.send("GET", key, changing: change)
            #expect(answer.summary == "403 AuthenticationFailed")
        }
        let account = oracle.endpoint.account
        let other = try AzureCredentials.sharedKey(account: account, key: "b3RoZXI=")
        let answer = try await oracle.send("GET", key, credentials: other)
        #expect(answer.summary == "403 AuthenticationFailed")
        #expect(try await oracle.send("GET", key).summary == "200 x")
    }

    @Test("URLs for every odd name, by account and by user (AZ-02)", arguments: AzureOracle.names)
    func urls(name: String) async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key(name)
        try await oracle.server.put(key, Bytes(utf8: name))
        let admin = try #require(oracle.server.description.azure?.admin)
        for grantor in [try oracle.account, try await oracle.user(admin)] {
            func get(_ url: String) async throws -> String {
                try await Curl.send(url, options: ["--path-as-is"]).summary
            }
            let url = try oracle.url(key, .read, by: grantor)
            #expect(try await get(url) == "200 \(name)")
            let other = try oracle.resource(key + "x").url
            let moved = other + url.drop { $0 != "?" }
            #expect(try await get(moved) == "403 AuthenticationFailed")
        }
    }

    @Test("URLs that have expired, were changed, or allow something else")
    func refusedURLs() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("refused")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        let admin = try #require(oracle.server.description.azure?.admin)
        for grantor in [try oracle.account, try await oracle.user(admin)] {
            let expired = try oracle.url(key, .read, by: grantor, validSeconds: -1)
            #expect(try await Curl.send(expired).summary == "403 AuthenticationFailed")
            let writing = try oracle.url(key, .write, by: grantor)
            #expect(
                try await Curl.send(writing).summary == "403 AuthorizationPermissionMismatch")
            let url = try oracle.url(key, .read, by: grantor)
            for (part, change) in [
                ("sp=r", "sp=rw"), ("sr=b", "sr=c"), ("sv=2023-11-03", "sv=2022-11-02"),
                ("&sig=", "&rsct=a&sig="), ("&sig=", "&sig=A"), ("&se=20", "&se=21"),
            ] {
                #expect(url.contains(part))
                let changed = url.replacing(part, with: change)
                #expect(
                    try await Curl.send(changed).summary == "403 AuthenticationFailed", "\(change)")
            }
            #expect(try await Curl.send(url).summary == "200 x")
        }
    }

    @Test("A user's URL allows no more than the user may")
    func reader() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("read-only")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        let reader = try #require(oracle.server.description.azure?.reader)
        let url = try oracle.url(key, [.read, .write], by: try await oracle.user(reader))
        #expect(try await Curl.send(url).summary == "200 x")
        let put = try await Curl.send(url, headers: Self.block, body: Bytes(utf8: "y"))
        #expect(put.summary == "403 AuthorizationPermissionMismatch")
    }

    @Test("Parts go to one signed URL with a block each, and become the blob (AZ-05)")
    func blocks() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("parts é+%")
        let names = AzureBlockNames(nonce: (0..<16).map { _ in UInt8.random(in: 0...255) })
        let numbers: [UInt32] = [1, 9, 10, 50_000]
        let admin = try #require(oracle.server.description.azure?.admin)
        for (round, grantor) in [try oracle.account, try await oracle.user(admin)].enumerated() {
            let url = try oracle.url(key, .write, by: grantor)
            for (number, url) in zip(numbers, names.urls(of: numbers, signedURL: url)) {
                let answer = try await Curl.send(url, body: Bytes(utf8: "\(round):\(number) "))
                #expect(answer.status == 201, "\(answer)")
            }
            let list = numbers.map { "<Latest>\(names.name(of: $0))</Latest>" }.joined()
            let commit = try await oracle.send(
                "PUT", key, query: [("comp", "blocklist")],
                body: Bytes(utf8: "<BlockList>\(list)</BlockList>"))
            #expect(commit.status == 201, "\(commit)")
            let expected = numbers.map { "\(round):\($0) " }.joined()
            #expect(try await oracle.server.get(key).utf8Text == expected)
        }
    }

    @Test("URLs of https work over https only, and say how the blob is shown")
    func encrypted() async throws {
        let oracle = try await AzureOracle(isSecure: true)
        let key = oracle.key("shown")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        let url = try oracle.url(
            key, .read, by: try oracle.account,
            overrides: AzureResponseOverrides(
                cacheControl: "no-store", contentDisposition: "attachment; filename=\"a b\"",
                contentEncoding: "identity", contentLanguage: "de", contentType: "text/x+y"))
        #expect(url.hasPrefix("https://") && url.contains("&spr=https&"))
        let trusted = ["--cacert", oracle.server.description.certificateAuthorityFile]
        let answer = try await Curl.send(url, options: trusted)
        #expect(answer.summary == "200 x")
        #expect(answer.headers["content-disposition"] == "attachment; filename=\"a b\"")
        #expect(answer.headers["content-type"] == "text/x+y")
        #expect(answer.headers["cache-control"] == "no-store")
        let plain = url.replacing(
            oracle.endpoint.origin, with: try await AzureOracle().endpoint.origin)
        #expect(try await Curl.send(plain).summary == "403 AuthorizationProtocolMismatch")
    }

    @Test("A container can be listed by who has its URL")
    func container() async throws {
        let oracle = try await AzureOracle()
        let key = oracle.key("listed")
        try await oracle.server.put(key, Bytes())
        let list = "&restype=container&comp=list&prefix=\(PercentEncoding.query(key))"
        let url = try oracle.url("", .list, by: try oracle.account) + list
        let answer = try await Curl.send(url)
        #expect(answer.status == 200 && answer.body.utf8Text?.contains(key) == true)
        let reading = try oracle.url("", .read, by: try oracle.account) + list
        #expect(
            try await Curl.send(reading).summary == "403 AuthorizationPermissionMismatch")
    }
}
