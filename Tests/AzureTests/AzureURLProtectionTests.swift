import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What a signed URL must not do, as the oracle sees it; and who cannot sign any.
@Suite(.timeLimit(.minutes(10))) struct AzureURLProtectionTests {
    private func send(
        _ fixture: AzureFixture, _ url: String, method: String? = nil, body: Bytes? = nil
    ) async throws -> Curl.Answer {
        try await Curl.send(
            url, method: method, headers: body == nil ? [:] : ["x-ms-blob-type": "BlockBlob"],
            body: body,
            options: ["--cacert", fixture.server.description.certificateAuthorityFile])
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `a URL of one second is refused when it is over`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 1))
            let end = try #require(url.expiresAt)
            #expect(end.milliseconds % 1000 == 0)
            #expect(end.milliseconds <= WallClock.system.now().milliseconds + 1000)
            // The server is asked until it refuses; the suite's time limit bounds that.
            var answer = try await send(fixture, url.url)
            while answer.status == 200 { answer = try await send(fixture, url.url) }
            #expect(answer.status == 403)
            #expect(WallClock.system.now() > end)
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `a URL that was changed is refused`(_ identity: AzureFixture.Identity) async throws {
        try await AzureFixture.with(identity) { fixture in
            for key in ["blob", "bloc"] {
                try await fixture.backend.put(fixture.uri(key), Bytes(utf8: "secret"))
            }
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 600)
            ).url
            #expect(try await send(fixture, url).status == 200)
            let signature = try #require(url.split(separator: "&sig=").last)
            let other = (signature.first == "A" ? "B" : "A") + signature.dropFirst()
            let expiry = try #require(url.split(separator: "&").first { $0.hasPrefix("se=") })
            for changed in [
                url.replacing("/blob?", with: "/bloc?"),
                url.replacing(expiry, with: "se=2099-01-01T00%3A00%3A00Z"),
                url.replacing("&sp=r&", with: "&sp=rw&"), url.replacing("sr=b", with: "sr=c"),
                url.replacing(signature, with: other), url + "&rsct=text%2Fhtml",
                url.replacing("&sig=\(signature)", with: ""),
            ] {
                #expect(changed != url)
                let answer = try await send(fixture, changed)
                #expect((400..<404).contains(answer.status), "\(answer.status)")
                #expect(answer.body != Bytes(utf8: "secret"))
            }
            // A URL to read with neither writes nor deletes.
            #expect(try await send(fixture, url, body: Bytes(utf8: "y")).status == 403)
            #expect(try await send(fixture, url, method: "DELETE").status == 403)
            let block = url + "&comp=block&blockid=AAAA"
            #expect(try await send(fixture, block, body: Bytes(utf8: "y")).status == 403)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "secret"))
        }
    }

    @Test func `AZ-04 AZ-14 a URL of https is refused over plain HTTP`() async throws {
        try await AzureFixture.with(.token) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions()
            ).url
            let description = fixture.server.description
            let plain = url.replacing(description.tlsEndpoint, with: description.endpoint)
            #expect(plain != url)
            #expect(try await Curl.send(plain).status == 403)
        }
    }

    @Test func `S3-03 CM-12 keys that clients or the service rewrite are not signed`()
        async throws
    {
        try await AzureFixture.with { fixture in
            for key in ["a/../b", "./a", "a/.", "..", "x/./y", "a\\b"] {
                let uri = BlobURI(scheme: .az, container: fixture.container, key: key)
                for method in PresignMethod.allCases {
                    await expectError(.invalidURI) {
                        _ = try await fixture.backend.presign(
                            method, uri, options: PresignOptions())
                    }
                }
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.createMultipartUpload(
                        uri, options: MultipartOptions())
                }
                // As somebody could make it, who knows how.
                let upload = try fixture.upload(uri)
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.presignUploadParts(
                        upload, partNumbers: [1], options: PresignOptions())
                }
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.uploadPart(
                        upload, partNumber: 1, body: .bytes(Bytes()),
                        options: UploadPartOptions())
                }
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.listParts(
                        upload, afterPartNumber: 0, options: CallOptions())
                }
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.completeMultipartUpload(
                        upload, parts: [], options: CompleteOptions())
                }
            }
        }
    }

    @Test func `AZ-13 who has a SAS token or nothing signs nothing, and reads what it may`()
        async throws
    {
        let server = try await CloudTestServer.shared(.azure)
        let azure = try #require(server.description.azure)
        let key = server.freshPrefix()
        try await server.put(key, Bytes(utf8: "x"))
        let token = try #require(
            try await server.signatures([
                [
                    "kind": "container", "account_name": .text(azure.account),
                    "container_name": .text(server.description.bucket), "permission": "rwdl",
                    "expiry": "2090-01-01T00:00:00Z", "account_key": .text(azure.accountKey),
                ]
            ]).first)
        let uri = BlobURI(scheme: .az, container: server.description.bucket, key: key)
        for (identity, word) in [
            (AzureConfiguration.Identity.sasToken("?" + token), "SAS token"),
            (.anonymous, "no credentials"),
        ] {
            try await AzureFixture.with(configure: { $0.identity = identity }) { fixture in
                let error = await expectError(.presign) {
                    _ = try await fixture.backend.presignGet(uri, options: PresignOptions())
                }
                #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
                if case .sasToken = identity {
                    let found = try await fixture.backend.get(uri)
                    #expect(found == Bytes(utf8: "x"))
                } else {
                    await expectError(.permissionDenied) {
                        _ = try await fixture.backend.get(uri)
                    }
                }
            }
        }
    }

    @Test func `AZ-13 a user without the right to sign is told which role he needs`()
        async throws
    {
        let server = try await CloudTestServer.shared(.azure)
        let worker = try await server.azurePrincipal(role: "worker")
        try await AzureFixture.with(
            AzureFixture.Settings(
                isSecure: true,
                configure: { configuration in
                    configuration.identity = .clientSecret(
                        tenantID: worker.tenantID, clientID: worker.clientID,
                        secret: worker.clientSecret)
                    configuration.authorityHost = worker.authorityHost
                })
        ) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let error = await expectError(.presign) {
                _ = try await fixture.backend.presignGet(
                    fixture.uri("blob"), options: PresignOptions())
            }
            #expect(error?.message.contains("Storage Blob Delegator") == true)
        }
    }

    /// Nothing would answer here, and there are no credentials.
    @Test func `CM-16 a wrong validity is refused before anything else`() async throws {
        try await AzureFixture.with(configure: { configuration in
            configuration.endpoint = "http://127.0.0.1:1/account"
            configuration.identity = .environment
        }) { fixture in
            let uri = fixture.uri("key")
            let upload = try await fixture.backend.createMultipartUpload(
                uri, options: MultipartOptions())
            for validSeconds: UInt32 in [0, 604_801, .max] {
                let options = PresignOptions(validSeconds: validSeconds)
                for method in PresignMethod.allCases {
                    await expectError(.presign) {
                        _ = try await fixture.backend.presign(method, uri, options: options)
                    }
                }
                await expectError(.presign) {
                    _ = try await fixture.backend.presignUploadParts(
                        upload, partNumbers: [1], options: options)
                }
            }
        }
    }
}
