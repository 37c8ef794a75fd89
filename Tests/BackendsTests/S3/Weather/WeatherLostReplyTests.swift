import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Requests that were acted upon while the answer was lost (S3-11, S3-21).
@Suite(.timeLimit(.minutes(10))) struct WeatherLostReplyTests {
    /// How the answer gets lost.
    enum Loss: CaseIterable, Sendable {
        case beforeHead, withinHead, withinBody, reset, serverError

        func apply(_ calm: () -> ScriptedResponse) -> ScriptedResponse {
            let answer = calm()
            return switch self {
            case .beforeHead: ScriptedResponse([.close])
            case .reset: ScriptedResponse([.reset])
            case .withinHead: answer.cut(after: 20)
            case .withinBody:
                answer.bodyByteCount > 0 ? answer.cutBody(after: 10) : answer.cut(after: 20)
            case .serverError: .error(500, "InternalError")
            }
        }
    }

    static let small = WeatherOperation.small
    static let large = WeatherOperation.large

    /// Loses the first answer to requests of this kind.
    private func run(
        losing summary: String, _ loss: Loss, onReused: Bool = false,
        then change: @escaping @Sendable (CalmBucket) -> Void = { _ in },
        body: (Weather) async throws -> Void
    ) async throws {
        let tally = Tally()
        let bucket = Deferred<CalmBucket>()
        try await withWeather { request, calm in
            guard request.summary == summary, tally.count() == 0 else { return calm() }
            let answer = loss.apply(calm)
            bucket.value.map(change)
            return answer
        } body: { weather in
            bucket.set(weather.bucket)
            // What libcurl loses on a connection that it has used before, it sends again itself.
            if onReused { _ = try? await weather.backend.head(weather.uri("other")) }
            try await body(weather)
            bucket.set(nil)
        }
    }

    // MARK: Completion

    @Test(arguments: Loss.allCases)
    func `S3-11 a completion whose answer is lost is found by its token`(loss: Loss) async throws {
        try await run(losing: "POST upload", loss) { weather in
            let result = try await weather.backend.put(weather.uri(), Self.large)
            #expect(result.etag == weather.bucket.etag("key"))
            #expect(result.byteCount == UInt64(Self.large.count))
            #expect(weather.bucket.bytes("key") == Self.large)
            #expect(weather.bucket.versionCount == 1)
            let end = weather.asked.drop { $0 != "POST upload" }
            #expect(end == ["POST upload", "POST upload", "HEAD"])
        }
    }

    @Test(arguments: Loss.allCases, [WriteCondition.overwrite, .createOnly])
    func `S3-11 a caller's own completion is found by its token`(
        loss: Loss, condition: WriteCondition
    ) async throws {
        try await run(losing: "POST upload", loss) { weather in
            let backend = weather.backend
            let upload = try await backend.createMultipartUpload(
                weather.uri(), options: MultipartOptions())
            let part = try await backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            let options = CompleteOptions(condition: condition)
            let first = try await backend.completeMultipartUpload(
                upload, parts: [part], options: options)
            // And again, for the caller may not have got the answer either.
            let second = try await backend.completeMultipartUpload(
                upload, parts: [part], options: options)
            #expect(first.etag == second.etag)
            #expect(weather.bucket.versionCount == 1)
        }
    }

    @Test(arguments: Loss.allCases)
    func `S3-11 a blob that somebody else wrote since is not taken for ours`(
        loss: Loss
    ) async throws {
        try await run(
            losing: "POST upload", loss,
            then: { bucket in
                bucket.put(
                    "key", Self.small, headers: [("x-amz-meta-blobrpc-commit", "another token")])
            }
        ) { weather in
            await expectError(.uploadNotFound) {
                try await weather.backend.put(weather.uri(), Self.large)
            }
            #expect(weather.bucket.bytes("key") == Self.small)
        }
    }

    @Test func `S3-11 a blob that was deleted since is no success`() async throws {
        try await run(losing: "POST upload", .beforeHead, then: { $0.remove("key") }) { weather in
            await expectError(.uploadNotFound) {
                try await weather.backend.put(weather.uri(), Self.large)
            }
        }
    }

    // MARK: Conditional writes

    @Test(arguments: Loss.allCases, [false, true])
    func `S3-21 a create-only write whose answer is lost is found by its token`(
        loss: Loss, onReused: Bool
    ) async throws {
        try await run(losing: "PUT", loss, onReused: onReused) { weather in
            let result = try await weather.backend.put(
                weather.uri(), Self.small, options: PutOptions(condition: .createOnly))
            #expect(result.etag == weather.bucket.etag("key"))
            #expect(result.byteCount == 500)
            #expect(weather.bucket.versionCount == 1)
            #expect(weather.asked.suffix(3) == ["PUT", "PUT", "HEAD"])
        }
    }

    @Test(arguments: Loss.allCases, [false, true])
    func `S3-21 a replacement whose answer is lost is found by its token`(
        loss: Loss, onReused: Bool
    ) async throws {
        try await run(losing: "PUT", loss, onReused: onReused) { weather in
            let old = weather.bucket.put("key", Bytes(utf8: "old"))
            try await weather.backend.put(
                weather.uri(), Self.small, options: PutOptions(condition: .ifMatch(etag: old)))
            #expect(weather.bucket.bytes("key") == Self.small)
            #expect(weather.bucket.versionCount == 2)
        }
    }

    @Test(arguments: Loss.allCases)
    func `S3-21 what somebody else has written is not taken for ours`(loss: Loss) async throws {
        try await run(
            losing: "PUT", loss,
            then: { bucket in
                bucket.put("key", Bytes(utf8: "theirs"), headers: [])
            }
        ) { weather in
            await expectError(.alreadyExists) {
                try await weather.backend.put(
                    weather.uri(), Self.small, options: PutOptions(condition: .createOnly))
            }
            #expect(weather.bucket.bytes("key") == Bytes(utf8: "theirs"))
        }
    }

    /// Who may write only cannot look; nor does one look help where there was no room for a token.
    @Test(arguments: Loss.allCases, [true, false])
    func `S3-21 what cannot be told is not told`(loss: Loss, mayLook: Bool) async throws {
        let tally = Tally()
        try await withWeather { request, calm in
            if request.summary == "HEAD", !mayLook { return ScriptedResponse.error(403, "") }
            guard request.summary == "PUT", tally.count() == 0 else { return calm() }
            return loss.apply(calm)
        } body: { weather in
            var options = PutOptions(condition: .createOnly)
            if mayLook { options.userMetadata["name"] = String(repeating: "v", count: 2044) }
            let error = await expectError(.backendUnavailable) {
                try await weather.backend.put(weather.uri(), Self.small, options: options)
            }
            #expect(error?.retry == .callerDecides)
            #expect(weather.bucket.bytes("key") == Self.small)
            #expect(weather.bucket.versionCount == 1)
        }
    }

    @Test func `S3-21 a blob that was there before is not taken for ours`() async throws {
        try await withCalmWeather { weather in
            weather.bucket.put("key", Bytes(utf8: "theirs"))
            await expectError(.alreadyExists) {
                try await weather.backend.put(
                    weather.uri(), Self.small, options: PutOptions(condition: .createOnly))
            }
            await expectError(.preconditionFailed) {
                try await weather.backend.put(
                    weather.uri(), Self.small,
                    options: PutOptions(condition: .ifMatch(etag: "\"x\"")))
            }
            #expect(weather.bucket.versionCount == 1)
            #expect(weather.asked == ["PUT", "PUT"])
        }
    }

    @Test func `S3-21 a conflict with another conditional write is repeated`() async throws {
        try await withWeather { request, calm in
            request.index < 2 ? .error(409, "ConditionalRequestConflict") : calm()
        } body: { weather in
            try await WeatherOperation.putNew.run(weather)
            #expect(weather.asked == ["PUT", "PUT", "PUT"])
        }
    }

    @Test(arguments: Loss.allCases)
    func `an overwrite whose answer is lost is made again`(loss: Loss) async throws {
        try await run(losing: "PUT", loss) { weather in
            try await WeatherOperation.put.run(weather)
            #expect(weather.asked == ["PUT", "PUT"])
        }
    }

    @Test(arguments: Loss.allCases, ["DELETE", "POST delete", "DELETE upload"])
    func `a deletion whose answer is lost is made again`(
        loss: Loss, request: String
    ) async throws {
        let operation = try #require(
            [.delete, .deleteMany, .abort].first { (operation: WeatherOperation) in
                operation.asked.contains(request)
            })
        try await run(losing: request, loss) { weather in
            operation.prepare(weather)
            try await operation.run(weather)
        }
    }
}
