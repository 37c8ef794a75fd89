import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Where accounts are and how URIs name what is there (AZ-01).
@Suite struct AzureEndpointTests {
    @Test(
        "AZ-01 endpoints, and the account that they are of",
        arguments: [
            (
                "https://acct.blob.core.windows.net", nil, "acct",
                "https://acct.blob.core.windows.net", ""
            ),
            (
                "https://ACCT.blob.core.windows.net:443/", nil, "acct",
                "https://acct.blob.core.windows.net", ""
            ),
            (
                "https://acct.dfs.core.windows.net", nil, "acct",
                "https://acct.blob.core.windows.net", ""
            ),
            (
                "https://acct.blob.core.chinacloudapi.cn", "acct", "acct",
                "https://acct.blob.core.chinacloudapi.cn", ""
            ),
            (
                "https://acct.z01.blob.storage.azure.net", nil, "acct",
                "https://acct.z01.blob.storage.azure.net", ""
            ),
            (
                "http://127.0.0.1:10000/devstoreaccount1", nil, "devstoreaccount1",
                "http://127.0.0.1:10000", "/devstoreaccount1"
            ),
            (
                "http://127.0.0.1:10000/devstoreaccount1/", "devstoreaccount1", "devstoreaccount1",
                "http://127.0.0.1:10000", "/devstoreaccount1"
            ),
            ("http://localhost:10000", "acct", "acct", "http://localhost:10000", "/acct"),
            ("http://[::1]:1", "acct", "acct", "http://[::1]:1", "/acct"),
            ("http://azurite:10000/acct", nil, "acct", "http://azurite:10000", "/acct"),
            ("https://blobs.example.org", "acct", "acct", "https://blobs.example.org", ""),
        ] as [(String, String?, String, String, String)])
    func endpoints(
        text: String, account: String?, expected: String, origin: String, path: String
    ) throws {
        let endpoint = try AzureEndpoint(text, account: account)
        #expect(endpoint.account == expected)
        #expect(endpoint.origin == origin)
        #expect(endpoint.accountPath == path)
    }

    @Test(
        "AZ-01 endpoints that say too little or contradict themselves",
        arguments: [
            ("https://blobs.example.org", nil), ("acct.blob.core.windows.net", nil),
            ("https://acct.blob.core.windows.net?sv=1", nil),
            ("https://user@acct.blob.core.windows.net", nil),
            ("https://acct.blob.core.windows.net", "other"),
            ("http://127.0.0.1:10000/one", "two"), ("http://127.0.0.1:10000/one/two", nil),
            ("http://127.0.0.1:10000/Upper", nil), ("http://127.0.0.1:10000", nil),
            ("ftp://acct.blob.core.windows.net", nil), ("", "acct"),
        ] as [(String, String?)])
    func refusedEndpoints(text: String, account: String?) async {
        await expectError(.invalidArgument) { _ = try AzureEndpoint(text, account: account) }
    }

    @Test("AZ-01 an account becomes part of a host only when it can be one")
    func accounts() async throws {
        let endpoint = try AzureEndpoint(account: "acct", domain: "core.usgovcloudapi.net")
        #expect(endpoint.origin == "https://acct.blob.core.usgovcloudapi.net")
        for account in [
            "", "ab", "a.b", "evil.example#", "Upper", String(repeating: "a", count: 25),
        ] {
            await expectError(.invalidArgument) { _ = try AzureEndpoint(account: account) }
        }
    }

    @Test(
        "AZ-01 AZ-02 every form of URI, as it is sent and as it is signed",
        arguments: [
            "az://blobs/a b/é%2E//+#?", "azure://blobs/a b/é%2E//+#?",
            "abfss://blobs@acct.dfs.core.windows.net/a b/é%2E//+#?",
            "abfs://blobs@acct.blob.core.windows.net/a b/é%2E//+#?",
        ])
    func resources(text: String) throws {
        let endpoint = try AzureEndpoint(account: "acct")
        let resource = endpoint.resource(
            try AzureBlobName(try BlobURI(parsing: text), at: endpoint))
        #expect(resource.encodedPath == "/blobs/a%20b/%C3%A9%252E//%2B%23%3F")
        #expect(resource.decodedName == "/blob/acct/blobs/a b/é%2E//+#?")
        #expect(resource.url == "https://acct.blob.core.windows.net\(resource.encodedPath)")
        #expect(resource.isBlob)
    }

    @Test("AZ-01 https URIs and those of an emulator")
    func hosts() throws {
        let cloud = try AzureEndpoint(account: "acct")
        let uri = try BlobURI(parsing: "https://acct.blob.core.windows.net/blobs/B")
        #expect(
            cloud.resource(try AzureBlobName(uri, at: cloud)).decodedName == "/blob/acct/blobs/B")
        let emulator = try AzureEndpoint("http://127.0.0.1:10000/devstoreaccount1")
        let local = try BlobURI(parsing: "http://127.0.0.1:10000/devstoreaccount1/blobs/B")
        let resource = emulator.resource(try AzureBlobName(local, at: emulator))
        #expect(resource.encodedPath == "/devstoreaccount1/blobs/B")
        #expect(resource.decodedName == "/blob/devstoreaccount1/blobs/B")
        let container = try AzureBlobName(BlobURI(parsingPrefix: "az://$root"), at: emulator)
        #expect(emulator.resource(container).encodedPath == "/devstoreaccount1/%24root")
        #expect(!emulator.resource(container).isBlob)
        #expect(emulator.servicePath == "/devstoreaccount1" && cloud.servicePath == "/")
    }

    @Test(
        "AZ-14 a URI cannot send credentials to another account or host",
        arguments: [
            "https://other.blob.core.windows.net/blobs/b",
            "abfs://blobs@other.dfs.core.windows.net/b",
            "http://127.0.0.1:10000/acct/blobs/b", "http://127.0.0.1:10001/other/blobs/b",
            "s3://blobs/b",
        ])
    func otherPlaces(text: String) async throws {
        let endpoint = try AzureEndpoint(account: "acct")
        await expectError(.unsupportedBackend) {
            _ = try AzureBlobName(try BlobURI(parsing: text), at: endpoint)
        }
    }

    @Test(
        "AZ-01 names that no container has",
        arguments: [
            "ab", "Upper", "under_score", "-a-", "a--b", "a.b", "$other", "é-é",
            String(repeating: "a", count: 64),
        ])
    func containers(name: String) async throws {
        let endpoint = try AzureEndpoint(account: "acct")
        await expectError(.invalidURI) {
            _ = try AzureBlobName(
                BlobURI(scheme: .az, container: name, key: "b"), at: endpoint)
        }
    }

    @Test(
        "CM-12 names that the service would take for others, and those that only look like it",
        arguments: [
            ("a\\b", false), ("\\", false), ("a/./b", false), ("./a", false), ("a/..", false),
            ("..", false), (".", false), ("..\\a", false), ("a/.b", true), ("a/...", true),
            ("..a/b", true), ("a//b", true), ("a./b", true), ("%2E%2E/a", true), ("a%5Cb", true),
        ])
    func rewrittenNames(key: String, isName: Bool) async throws {
        let endpoint = try AzureEndpoint(account: "acct")
        let uri = BlobURI(scheme: .az, container: "blobs", key: key)
        guard !isName else {
            #expect(try AzureBlobName(uri, at: endpoint).key == key)
            return
        }
        await expectError(.invalidURI) { _ = try AzureBlobName(uri, at: endpoint) }
    }

    @Test("CM-13 names of blobs have 1024 characters at most, whatever their bytes")
    func longNames() async throws {
        let endpoint = try AzureEndpoint(account: "acct")
        func name(_ count: Int) throws(BlobError) -> AzureBlobName {
            try AzureBlobName(
                BlobURI(
                    scheme: .az, container: "blobs", key: String(repeating: "é", count: count)),
                at: endpoint)
        }
        #expect(try name(1024).key.utf8.count == 2048)
        await expectError(.invalidURI) { _ = try name(1025) }
    }
}
