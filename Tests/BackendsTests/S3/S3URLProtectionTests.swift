import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What a signed URL must not do, as the servers see it.
@Suite(.timeLimit(.minutes(10))) struct S3URLProtectionTests {
    @Test(arguments: S3TestServer.Kind.allCases)
    func `a URL of one second is refused when it is over`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 1))
            let end = try #require(url.expiresAt)
            #expect(end.milliseconds % 1000 == 0)
            #expect(end.milliseconds <= WallClock.system.now().milliseconds + 1000)
            // The server is asked until it refuses; the suite's time limit bounds that.
            var answer = try await Curl.send(url.url)
            while answer.status == 200 { answer = try await Curl.send(url.url) }
            #expect(answer.status == 403)
            #expect(WallClock.system.now() > end)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `a URL that was changed is refused`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            for key in ["blob", "bloc"] {
                try await fixture.backend.put(fixture.uri(key), Bytes(utf8: "secret"))
            }
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 600)
            ).url
            #expect(try await Curl.send(url).status == 200)
            let signature = try #require(url.split(separator: "X-Amz-Signature=").last)
            let other = (signature.first == "0" ? "1" : "0") + signature.dropFirst()
            for changed in [
                url.replacing("/blob?", with: "/bloc?"),
                url.replacing("X-Amz-Expires=600", with: "X-Amz-Expires=601"),
                url.replacing(signature, with: other),
                url + "&versionId=1", url + "&response-content-type=text%2Fhtml",
                url.replacing("&X-Amz-Signature=\(signature)", with: ""),
            ] {
                #expect(changed != url)
                let answer = try await Curl.send(changed)
                #expect((400..<404).contains(answer.status), "\(answer.status)")
                #expect(answer.body != Bytes(utf8: "secret"))
            }
            // A URL to read with neither writes nor deletes.
            let written = try await Curl.send(url, body: Bytes(utf8: "y"))
            #expect(written.status == 403)
            let deleted = try await Curl.send(url, method: "DELETE")
            #expect(deleted.status == 403)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "secret"))
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `URLs of temporary keys need the token that they hold`(
        _ kind: S3TestServer.Kind
    ) async throws {
        let keys = try await S3TestServer.shared(kind).assumeRole()
        let identity = S3Configuration.Identity.keys(
            accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey,
            sessionToken: keys.sessionToken)
        try await S3Fixture.with(kind, configure: { $0.identity = identity }) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(uri, options: PresignOptions()).url
            #expect(try await Curl.send(url).status == 200)
            let token = try #require(
                url.split(separator: "&").first { $0.hasPrefix("X-Amz-Security-Token=") })
            let without = url.replacing("&\(token)", with: "")
            #expect(without != url)
            // ministack has another status for these.
            let refusals = [kind == .ministack ? 400 : 403, 403]
            for changed in [without, url.replacing(token, with: token + "A")] {
                let status = try await Curl.send(changed).status
                #expect(refusals.contains(status), "\(status)")
            }
        }
    }

    /// S3-19: SeaweedFS gives out roles for an hour.
    @Test func `S3-19 CM-16 a URL ends with the keys that signed it`() async throws {
        let server = try await S3TestServer.shared(.seaweedfs)
        let directory = try TemporaryDirectory()
        try directory.write(try await server.webIdentityToken(), to: "token")
        let environment = CredentialEnvironment(
            variables: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "\(directory.path)/token",
                "AWS_ROLE_ARN": try #require(server.description.sts.webIdentityRoleARN),
                "AWS_ENDPOINT_URL_STS": server.description.sts.endpoint,
            ], homeDirectory: directory.path)
        try await S3Fixture.with(
            .seaweedfs, environment: environment,
            configure: { $0.identity = .chain(profile: nil) }
        ) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            let week = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: PresignOptions.maximumSeconds))
            let remaining =
                try #require(week.expiresAt).milliseconds - WallClock.system.now().milliseconds
            #expect((3_500_000...3_600_000).contains(remaining))
            #expect(try await Curl.send(week.url).status == 200)
            let minute = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: 60))
            let end = try #require(minute.expiresAt).milliseconds
            #expect(end <= WallClock.system.now().milliseconds + 60_000)
            #expect(minute.url.contains("X-Amz-Expires=60&"))
            #expect(try await Curl.send(minute.url).status == 200)
        }
    }

    /// Nothing would answer here, and there are no keys.
    @Test func `CM-16 a wrong validity is refused before anything else`() async throws {
        let environment = CredentialEnvironment(
            variables: ["AWS_EC2_METADATA_DISABLED": "true"], homeDirectory: "/nonexistent")
        var configuration = S3Configuration()
        configuration.endpoint = "http://127.0.0.1:1"
        let pool = BlockingPool(name: "s3-test", threadCount: 1)
        defer { pool.shutdown() }
        let backend = try S3Backend(
            configuration: configuration, blockingPool: pool, environment: environment,
            engineSettings: HTTPEngineSettings(), policy: RetryPolicy())
        let uri = BlobURI(scheme: .s3, container: "bucket", key: "key")
        let upload = MultipartUpload(
            uri: uri, uploadID: String(repeating: "0", count: RandomName.digitCount) + ".u")
        for validSeconds: UInt32 in [0, 604_801, .max] {
            let options = PresignOptions(validSeconds: validSeconds)
            await expectError(.presign) {
                _ = try await backend.presignGet(uri, options: options)
            }
            await expectError(.presign) {
                _ = try await backend.presignPut(uri, options: options)
            }
            await expectError(.presign) {
                _ = try await backend.presignUploadParts(
                    upload, partNumbers: [1], options: options)
            }
        }
        await expectError(.backendAuthentication) {
            _ = try await backend.presignGet(uri, options: PresignOptions(validSeconds: 604_800))
        }
        await backend.close()
    }
}
