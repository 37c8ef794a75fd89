import BlobCore
import BlobRPCClient
import BlobRPCServer
import CloudBackends
import TestKit
import Testing

/// Which URLs a socket signs. S3 signs without asking anybody, so no service is needed.
@Suite struct PresignPolicyTests {
    private func withClient(
        _ presign: PresignPolicy, _ body: (BlobClient, BlobURI) async throws -> Void
    ) async throws {
        var s3 = S3Configuration()
        s3.identity = .keys(
            accessKeyID: "AKIAEXAMPLE", secretAccessKey: "secret", sessionToken: nil)
        s3.endpoint = "http://127.0.0.1:9"
        s3.region = "us-east-1"
        let server = try TestServer(
            s3: s3, mounts: ["cloud": try BlobURI(parsingPrefix: "s3://bucket/base")])
        let path = try server.addUntrusted("sign.sock", .mounts(["cloud", "data"])) {
            $0.presign = presign
        }
        let client = try await BlobClient.connect(path: path)
        let uri = BlobURI(scheme: .blob, container: "cloud", key: "x")
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(client, uri))
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        await server.stop()
        try outcome.get()
    }

    @Test func `W-93 an untrusted socket signs nothing by itself`() async throws {
        try await withClient(.denied) { client, uri in
            for method in PresignMethod.allCases {
                let error = await failure {
                    _ = try await client.presign(
                        method, uri, options: PresignOptions(validSeconds: 1))
                }
                #expect(error?.code == .permissionDenied)
            }
            let upload = MultipartUpload(uri: uri, uploadID: "x")
            let error = await failure {
                _ = try await client.presignUploadParts(
                    upload, partNumbers: [1], options: PresignOptions(validSeconds: 1))
            }
            #expect(error?.code == .permissionDenied)
        }
    }

    @Test func `W-93 only the methods named, and not for longer`() async throws {
        try await withClient(PresignPolicy([.presignGet], maximumSeconds: 300)) { client, uri in
            let url = try await client.presignGet(uri, options: PresignOptions(validSeconds: 300))
            #expect(url.url.contains("X-Amz-Expires=300&"))
            let tooLong = await failure {
                _ = try await client.presignGet(uri, options: PresignOptions(validSeconds: 301))
            }
            #expect(tooLong?.code == .presign)
            #expect(tooLong?.message.contains("300 seconds") == true)
            for method in PresignMethod.allCases where method != .get {
                let error = await failure {
                    _ = try await client.presign(
                        method, uri, options: PresignOptions(validSeconds: 1))
                }
                #expect(error?.code == .permissionDenied)
            }
            let capabilities = try await client.capabilities(of: uri, options: CallOptions())
            #expect(capabilities.limits.maximumPresignSeconds == 300)
            #expect(
                capabilities.operations.intersection(PolicyGrant.signing) == [.presignGet])
            // Outside of the mounts nothing is signed either.
            let outside = try BlobURI(parsing: "s3://bucket/base/x")
            let error = await failure {
                _ = try await client.presignGet(outside, options: PresignOptions(validSeconds: 1))
            }
            #expect(error?.code == .permissionDenied)
        }
    }

    @Test func `W-93 a URL that never expires is not handed out`() async throws {
        try await withClient(PresignPolicy(PolicyGrant.signing, maximumSeconds: 300)) { client, _ in
            let local = TenantFixture.uri("x")
            let error = await failure {
                _ = try await client.presignGet(local, options: PresignOptions(validSeconds: 1))
            }
            #expect(error?.code == .presign)
            let upload = try await client.createMultipartUpload(local, options: MultipartOptions())
            let parts = await failure {
                _ = try await client.presignUploadParts(
                    upload, partNumbers: [1], options: PresignOptions(validSeconds: 1))
            }
            #expect(parts?.code == .presign)
        }
    }
}
