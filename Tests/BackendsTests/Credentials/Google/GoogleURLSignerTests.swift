import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Who signs URLs, and for how long.
@Suite(.timeLimit(.minutes(10))) struct GoogleURLSignerTests {
    private static let request = GoogleV4Request(
        method: "PUT", origin: "https://storage.googleapis.com", host: "storage.googleapis.com",
        encodedPath: "/bucket/key", query: [("uploadId", "u")])

    /// A person who may sign as an account, with these answers of `signBlob`.
    private func signer(
        _ fixture: inout CredentialFixture, _ replies: [CredentialHTTPReply]
    ) throws -> GoogleURLSigner {
        let rest = MutexList(replies)
        let tokens = MutexList((1...9).map { fixture.tokenReply("token-\($0)") })
        fixture.http = ScriptedHTTP { request throws(HTTPFailure) in
            let list = request.url == GoogleFiles.signBlobURL ? rest : tokens
            guard let reply = list.next() else { throw HTTPFailure(.connect, "no connection") }
            return reply
        }
        return GoogleURLSigner(
            source: try fixture.google(
                GoogleFiles.authorizedUser, signingAccount: CredentialFixture.googleEmail),
            pool: fixture.pool)
    }

    @Test("A URL that Google signs ends after twelve hours, and says so (GC-06)")
    func clamp() async throws {
        var fixture = try CredentialFixture()
        let reply = fixture.reply("{\"keyId\": \"k\", \"signedBlob\": \"//79\"}")
        let signer = try signer(&fixture, [reply, reply])
        let now = fixture.time.now
        let start = now.milliseconds / 1000 * 1000
        for (asked, seconds) in [(604_800, 43_200), (60, 60)] as [(UInt32, Int64)] {
            let signed = try await signer.url(Self.request, at: now, validSeconds: asked)
            let url = try #require(signed.urls.first)
            #expect(url.contains("&X-Goog-Expires=\(seconds)&"))
            #expect(url.hasSuffix("&X-Goog-Signature=fffefd"))
            #expect(signed.expiresAt.milliseconds == start + seconds * 1000)
        }
        let sent = try #require(fixture.http.requests.last)
        #expect(sent.headers["authorization"] == "Bearer token-1")
        let string = try GoogleV4Presigning(
            Self.request, email: CredentialFixture.googleEmail, scope: GoogleV4Scope(now),
            validSeconds: 60
        ).url().stringToSign
        #expect(sent.bodyText == "{\"payload\":\"\(Base64.text(of: Array(string.utf8)))\"}")
    }

    @Test("A key that is here signs for seven days, and many parts at once")
    func key() async throws {
        let fixture = try CredentialFixture()
        let signer = GoogleURLSigner(
            source: try fixture.google(try GoogleFiles.serviceAccount()), pool: fixture.pool)
        let now = fixture.time.now
        let numbers = (1...100).map { UInt32($0) }
        let signed = try await signer.partURLs(
            Self.request, partNumbers: numbers, at: now, validSeconds: 604_800)
        #expect(signed.urls.count == 100)
        #expect(signed.expiresAt.milliseconds == now.milliseconds / 1000 * 1000 + 604_800_000)
        for number in numbers {
            var request = Self.request
            request.query.append(("partNumber", String(number)))
            let single = try await signer.url(request, at: now, validSeconds: 604_800)
            #expect(single.urls == [signed.urls[Int(number) - 1]])
        }
        let none = try await signer.partURLs(
            Self.request, partNumbers: [], at: now, validSeconds: 1)
        #expect(none.urls.isEmpty)
        for seconds: UInt32 in [0, 604_801] {
            await expectError(.presign) {
                _ = try await signer.url(Self.request, at: now, validSeconds: seconds)
            }
        }
        #expect(fixture.http.requests.isEmpty)
    }

    @Test("A refused token is replaced once (GC-08)")
    func refusedToken() async throws {
        var fixture = try CredentialFixture()
        let refusal = fixture.reply("", status: 401)
        let good = fixture.reply("{\"signedBlob\": \"AQ==\"}")
        var signer = try signer(&fixture, [refusal, good])
        _ = try await signer.url(Self.request, at: fixture.time.now, validSeconds: 60)
        #expect(
            fixture.http.requests.compactMap { $0.headers["authorization"] } == [
                "Bearer token-1", "Bearer token-2",
            ])
        signer = try self.signer(&fixture, [refusal, refusal, good])
        let now = fixture.time.now
        let failure = await expectError(.presign) { [signer] in
            _ = try await signer.url(Self.request, at: now, validSeconds: 60)
        }
        #expect(failure?.message.contains("status 401") == true)
    }

    @Test("What signBlob refuses is told with the role that is missing (GC-06)")
    func refusals() async throws {
        var fixture = try CredentialFixture()
        let denied = fixture.reply(
            """
            {"error": {"code": 403, "message": "token-1 is bad", "status": "PERMISSION_DENIED"}}
            """, status: 403)
        let busy = fixture.reply("", status: 503)
        let cases: [([CredentialHTTPReply], String, BlobError.RetryClass)] = [
            ([denied], "403 (PERMISSION_DENIED): give", .never),
            ([denied], "roles/iam.serviceAccountTokenCreator", .never),
            ([fixture.reply("", status: 404)], "there is no such service account", .never),
            ([busy, busy, busy], "status 503", .backoff),
            ([], "no connection", .backoff),
            ([fixture.reply("{}")], "without a signature", .never),
            ([fixture.reply("{\"signedBlob\": \"not base64!\"}")], "without a signature", .never),
            ([fixture.reply("{\"signedBlob\": \"\"}")], "without a signature", .never),
        ]
        for (replies, expected, retry) in cases {
            let signer = try signer(&fixture, replies)
            let now = fixture.time.now
            let failure = await expectError(.presign) {
                _ = try await signer.url(Self.request, at: now, validSeconds: 60)
            }
            #expect(failure?.message.contains(expected) == true, "\(failure?.message ?? "")")
            #expect(failure?.retry == retry)
            #expect(failure?.message.contains("token-1") == false)
        }
    }

    @Test("Parts that Google signs come in order, and one failure ends them all")
    func parts() async throws {
        var fixture = try CredentialFixture()
        let good = fixture.reply("{\"signedBlob\": \"AQ==\"}")
        let numbers: [UInt32] = [3, 1, 2, 9, 8, 7, 6, 5, 4]
        var signer = try signer(&fixture, Array(repeating: good, count: numbers.count))
        let signed = try await signer.partURLs(
            Self.request, partNumbers: numbers, at: fixture.time.now, validSeconds: 60)
        for (number, url) in zip(numbers, signed.urls) {
            #expect(url.contains("&partNumber=\(number)&"))
        }
        #expect(fixture.http.requests.count == 1 + numbers.count)
        let bad = fixture.reply("", status: 403)
        signer = try self.signer(&fixture, [good, good, bad] + Array(repeating: good, count: 9))
        let now = fixture.time.now
        await expectError(.presign) { [signer] in
            _ = try await signer.partURLs(
                Self.request, partNumbers: numbers, at: now, validSeconds: 60)
        }
    }

    @Test("Cancelled signing ends")
    func cancellation() async throws {
        let fixture = try CredentialFixture()
        let signer = GoogleURLSigner(
            source: try fixture.google(try GoogleFiles.serviceAccount()), pool: fixture.pool)
        let now = fixture.time.now
        _ = try await signer.source.credentials()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await signer.partURLs(
                Self.request, partNumbers: Array(1...10_000), at: now, validSeconds: 60)
        }
        await expectError(.cancelled) { try await task.value }
    }
}
