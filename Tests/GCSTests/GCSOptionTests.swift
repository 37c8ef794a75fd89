import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Settings, as they show in requests.
@Suite(.timeLimit(.minutes(10))) struct GCSOptionTests {
    private static let key = [UInt8](repeating: 7, count: 32)

    @Test func `who pays is said with every request, and in URLs`() async throws {
        try await GCSFixture.with(configure: { $0.userProject = "payer" }) { fixture in
            for operation in [GCSOperation.putParts, .putInOrder, .copy] {
                try await operation.run(fixture)
                for key in ["new", "blob"] where try await fixture.head(key) != nil {
                    try await fixture.server.delete(fixture.uri(key).key)
                }
            }
            for kind in [GCSRequest.head, .begin, .part, .complete, .start, .append, .rewrite] {
                let requests = try await fixture.requests(kind)
                #expect(!requests.isEmpty)
                #expect(requests.allSatisfy { $0.headers["x-goog-user-project"] == "payer" })
            }
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions())
            #expect(url.url.contains("&userProject=payer&") && url.headers.isEmpty)
            #expect(try await Curl.send(url.url).status == 200)
        }
    }

    @Test func `storage class and key are said where a blob is made, and nowhere else`()
        async throws
    {
        let keyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
        try await GCSFixture.with(configure: {
            $0.storageClass = "NEARLINE"
            $0.encryption = .kms(keyName: keyName)
        }) { fixture in
            let options = PutOptions(contentType: "text/o", userMetadata: ["a": "b"])
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"), options: options)
            _ = try await fixture.backend.put(fixture.uri("large"), GCSOperation.large)
            try await fixture.backend.put(
                fixture.uri("ordered"), GCSOperation.large,
                options: PutOptions(condition: .createOnly))
            for (name, value) in [
                ("x-goog-storage-class", "NEARLINE"), ("x-goog-encryption-kms-key-name", keyName),
            ] {
                for kind in [GCSRequest.put, .begin, .start] {
                    #expect(try await fixture.requests(kind).map { $0.headers[name] } == [value])
                }
                for kind in [GCSRequest.part, .append, .complete] {
                    let requests = try await fixture.requests(kind)
                    #expect(requests.allSatisfy { $0.headers[name] == nil })
                }
            }
            // A copy gets them too, and keeps the rest.
            try await fixture.put("from", Bytes(utf8: "x"))
            _ = try await fixture.backend.copy(
                from: uri, to: fixture.uri("to"), options: CopyOptions())
            let rewrite = try #require(try await fixture.requests(.rewrite).first)
            #expect(rewrite.target.contains("destinationKmsKeyName=projects%2Fp%2F"))
            let copied = try await fixture.backend.head(fixture.uri("to"))
            #expect(copied.contentType == "text/o" && copied.userMetadata == ["a": "b"])
            let url = try await fixture.backend.presignGet(
                fixture.uri("to"), options: PresignOptions())
            let answer = try await Curl.send(url.url)
            #expect(answer.headers["x-goog-storage-class"] == "NEARLINE")
        }
    }

    @Test func `a customer's key goes with everything that touches the bytes`() async throws {
        try await GCSFixture.with(configure: { $0.encryption = .customerKey(Self.key) }) {
            fixture in
            let uri = fixture.uri("blob")
            for (key, options) in [
                ("blob", PutOptions()), ("ordered", PutOptions(condition: .createOnly)),
            ] {
                let target = fixture.uri(key)
                _ = try await fixture.backend.put(target, GCSOperation.large, options: options)
                #expect(try await fixture.backend.get(target) == GCSOperation.large)
            }
            let copy = fixture.uri("copy")
            _ = try await fixture.backend.copy(from: uri, to: copy, options: CopyOptions())
            #expect(try await fixture.backend.get(copy) == GCSOperation.large)
            // It never is part of a URL, but the user of the URL needs it.
            let url = try await fixture.backend.presignGet(uri, options: PresignOptions())
            let name = "x-goog-encryption-key"
            let text = Base64.text(of: Self.key)
            #expect(url.headers[name] == text && !url.url.contains(PercentEncoding.query(text)))
            #expect(try await Curl.send(url.url).status == 400)
            let answer = try await Curl.send(url.url, headers: url.headers)
            #expect(answer.status == 200 && answer.body == GCSOperation.large)
        }
        // Others are told what it takes.
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(
                .get, ["status": 400, "code": "ResourceIsEncryptedWithCustomerEncryptionKey"])
            try await fixture.put("blob", Bytes(utf8: "x"))
            let error = await expectError(.permissionDenied) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(error?.message.contains("customerKeyFile") == true)
        }
    }

    @Test func `over TLS, with the authority that the setting names`() async throws {
        let server = try await CloudTestServer.shared(.gcs)
        try await GCSFixture.with(configure: {
            $0.endpoint = server.description.tlsEndpoint
            $0.certificateFile = server.description.certificateAuthorityFile
        }) { fixture in
            try await GCSOperation.putParts.run(fixture)
            let url = try await fixture.backend.presignGet(
                fixture.uri("new"), options: PresignOptions())
            let answer = try await Curl.send(
                url.url, options: ["--cacert", server.description.certificateAuthorityFile])
            #expect(answer.body == GCSOperation.large)
        }
        try await GCSFixture.with(configure: { $0.endpoint = server.description.tlsEndpoint }) {
            fixture in
            let error = await expectError(.backendUnavailable) {
                _ = try await fixture.backend.head(fixture.uri("blob"))
            }
            #expect(error?.retry == .never)
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("https://storage.example:443", "https://storage.example", "storage.example"),
            ("HTTPS://h.example", "https://h.example", "h.example"),
        ])
    func `endpoints`(text: String, origin: String, host: String) throws {
        let endpoint = try GCSEndpoint(text)
        #expect(endpoint.origin == origin && endpoint.host == host)
    }

    @Test(arguments: ["h", "ftp://h", "http://", "http://u@h", "http://h/path", "http://h?q"])
    func `what is no endpoint`(text: String) {
        #expect(throws: BlobError.self) { _ = try GCSEndpoint(text) }
    }

    @Test func `an emulator is asked by nobody, unless the setting names another service`()
        async throws
    {
        let units = GCSUnits()
        defer { units.end() }
        let variables = ["STORAGE_EMULATOR_HOST": "127.0.0.1:4443"]
        let emulated = try units.backend(variables: variables) {
            $0.endpoint = nil
            $0.identity = .applicationDefault(file: nil)
        }
        #expect(emulated.service.endpoint.origin == "http://127.0.0.1:4443")
        #expect(emulated.service.credentials == nil)
        let other = try units.backend(variables: variables) {
            $0.identity = .applicationDefault(file: nil)
        }
        #expect(other.service.endpoint.origin == "http://127.0.0.1:1")
        #expect(other.service.credentials != nil)
        await emulated.close()
        await other.close()
    }

    @Test func `tokens do not go over the network in the clear`() throws {
        let units = GCSUnits()
        defer { units.end() }
        #expect(throws: BlobError.self) {
            _ = try units.backend {
                $0.endpoint = "http://storage.example"
                $0.identity = .applicationDefault(file: nil)
            }
        }
        #expect(throws: BlobError.self) {
            _ = try units.backend { $0.iamEndpoint = "http://iam.example" }
        }
    }
}
