import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What passes is waited for, and not for ever (AZ-12, S3-16).
@Suite(.timeLimit(.minutes(10))) struct AzureRetryWeatherTests {
    struct Trouble: Sendable, CustomTestStringConvertible {
        var status: Int
        var code: String?
        var error: BlobError.Code
        var testDescription: String { "\(status) \(code ?? "")" }

        var fault: [String: JSONValue] {
            if let code { return ["status": .number(status), "code": .text(code)] }
            return ["status": .number(status), "body": ""]
        }
    }

    static let troubles = [
        Trouble(status: 500, code: "InternalError", error: .backendUnavailable),
        Trouble(status: 500, code: "OperationTimedOut", error: .backendUnavailable),
        Trouble(status: 503, code: "ServerBusy", error: .backendThrottled),
        Trouble(status: 429, code: "TooManyRequests", error: .backendThrottled),
        Trouble(status: 409, code: "ContainerBeingDeleted", error: .conflict),
        Trouble(status: 500, error: .backendUnavailable),
        Trouble(status: 502, error: .backendUnavailable),
        Trouble(status: 503, error: .backendThrottled),
        Trouble(status: 408, error: .backendUnavailable),
    ]

    static let small = Bytes(utf8: "small")
    static let large = SeededBody(seed: 6, byteCount: (5 << 20) + 1000).bytes

    /// Does what `kind` is about, and looks at what came of it.
    private func run(_ kind: AzureRequestKind, _ fixture: AzureFixture) async throws {
        let (backend, uri) = (fixture.backend, fixture.uri("new"))
        switch kind {
        case .head: #expect(try await backend.head(fixture.uri("blob")).byteCount == 5)
        case .get: #expect(try await backend.get(fixture.uri("blob")) == Self.small)
        case .put:
            try await backend.put(uri, Self.small)
            #expect(try await fixture.server.get(fixture.key("new")) == Self.small)
        case .block, .commit:
            try await backend.put(uri, Self.large)
            #expect(try await fixture.server.get(fixture.key("new")) == Self.large)
        case .delete:
            try await backend.delete(fixture.uri("blob"))
            #expect(try await fixture.keys() == [])
        case .list:
            let page = try await backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.map(\.uri.key) == [fixture.key("blob")])
        case .blocks:
            let upload = try await backend.createMultipartUpload(uri, options: MultipartOptions())
            let page = try await backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
        case .batch: break
        }
    }

    static let kinds = AzureRequestKind.allCases.filter { $0 != .batch }

    @Test(arguments: kinds, troubles)
    func `AZ-12 S3-16 every operation outlives a passing trouble`(
        _ kind: AzureRequestKind, _ trouble: Trouble
    ) async throws {
        try await AzureFixture.with { fixture in
            try await fixture.server.put(fixture.key("blob"), Self.small)
            let fault = try await fixture.fault(kind, trouble.fault)
            try await run(kind, fixture)
            #expect(try await fixture.server.hits(fault) == 1)
        }
    }

    @Test(arguments: kinds, troubles.prefix(3))
    func `AZ-12 trouble without end is an error after some attempts`(
        _ kind: AzureRequestKind, _ trouble: Trouble
    ) async throws {
        try await AzureFixture.with { fixture in
            try await fixture.server.put(fixture.key("blob"), Self.small)
            _ = try await fixture.fault(kind, trouble.fault, times: 1000)
            let error = await expectError(trouble.error) { try await run(kind, fixture) }
            #expect(error?.message.contains("tried 4 times") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(trouble.code ?? "") == true)
            #expect(error?.retry == .backoff)
        }
    }

    @Test(arguments: kinds, ["drop", "reset"])
    func `every operation outlives a connection that ends`(
        _ kind: AzureRequestKind, _ how: String
    ) async throws {
        try await AzureFixture.with { fixture in
            try await fixture.server.put(fixture.key("blob"), Self.small)
            let fault = try await fixture.fault(kind, [how: true])
            try await run(kind, fixture)
            #expect(try await fixture.server.hits(fault) == 1)
        }
    }

    @Test(arguments: ["x-ms-retry-after-ms", "Retry-After"])
    func `AZ-12 the service says how long to wait`(_ field: String) async throws {
        var settings = AzureFixture.Settings()
        settings.policy.maximumRetryAfter = .milliseconds(200)
        try await AzureFixture.with(settings) { fixture in
            let value: JSONValue = field == "Retry-After" ? "1" : "200"
            _ = try await fixture.fault(
                .put,
                ["status": 503, "code": "ServerBusy", "headers": .object([field: value])])
            let start = ContinuousClock.now
            try await run(.put, fixture)
            #expect(ContinuousClock.now - start >= .milliseconds(200))
        }
    }

    @Test func `S3-16 a request to slow down makes fewer requests at once`() async throws {
        try await AzureFixture.with { fixture in
            let concurrency = fixture.backend.client.concurrency
            let width = concurrency.width(of: fixture.container)
            _ = try await fixture.fault(.put, ["status": 503, "code": "ServerBusy"])
            try await run(.put, fixture)
            #expect(concurrency.width(of: fixture.container) == width / 2)
        }
    }

    @Test(
        arguments: [
            (403, "AuthorizationPermissionMismatch", .permissionDenied),
            (403, "AuthorizationFailure", .permissionDenied),
            (404, "ContainerNotFound", .containerNotFound), (404, "BlobNotFound", .notFound),
            (404, "ResourceNotFound", .permissionDenied),
            (400, "InvalidHeaderValue", .invalidArgument),
            (409, "LeaseIdMissing", .conflict),
            (412, "LeaseIdMismatchWithBlobOperation", .conflict),
            (409, "BlobArchived", .unsupportedOperation), (409, "SnapshotsPresent", .conflict),
            (409, "InvalidBlobType", .unsupportedOperation),
            (413, "RequestBodyTooLarge", .tooLarge),
            (409, "BlobImmutableDueToPolicy", .permissionDenied),
            (400, "InvalidResourceName", .invalidURI),
            (405, "UnsupportedHttpVerb", .unsupportedOperation),
            (403, "KeyBasedAuthenticationNotPermitted", .backendAuthentication),
            (409, "PublicAccessNotPermitted", .permissionDenied),
            (409, "PendingCopyOperation", .conflict), (307, "Moved", .backendUnavailable),
        ] as [(Int, String, BlobError.Code)])
    func `AZ-11 AZ-15 CM-09 CM-10 what is refused for good has its code and is not repeated`(
        status: Int, code: String, expected: BlobError.Code
    ) async throws {
        try await AzureFixture.with { fixture in
            for kind in [AzureRequestKind.head, .put] {
                _ = try await fixture.fault(
                    kind,
                    [
                        "status": .number(status), "code": .text(code),
                        "headers": ["Location": "http://127.0.0.1:1/elsewhere"],
                    ], times: 10)
                let error = await expectError(expected) {
                    if kind == .put {
                        try await fixture.backend.put(fixture.uri("blob"), Self.small)
                    } else {
                        _ = try await fixture.backend.head(fixture.uri("blob"))
                    }
                }
                #expect(error?.message.contains(code) == true)
                #expect(try await fixture.requests(kind).count == 1)
            }
        }
    }

    @Test(arguments: [
        "", "<Error>", "<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code>&b;</Code></Error>",
        "<Error><Code>\u{1}</Code></Error>", String(repeating: "<a>", count: 100),
        String(repeating: "x", count: 200_000),
        "<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>sig=SECRET"
            + "</AuthenticationErrorDetail></Error>",
    ])
    func `CM-08 CM-11 refusals in any words are errors, and nothing of them gets out`(
        _ body: String
    ) async throws {
        try await AzureFixture.with { fixture in
            _ = try await fixture.fault(.get, ["status": 403, "body": .text(body)], times: 10)
            let error = await #expect(throws: BlobError.self) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(!"\(String(describing: error))".contains("SECRET"))
        }
    }

    @Test func `CM-07 every attempt says when it was made and is signed anew`() async throws {
        let clock = SteppingClock()
        var settings = AzureFixture.Settings()
        settings.clock = clock.clock
        try await AzureFixture.with(settings) { fixture in
            _ = try await fixture.fault(.put, ["status": 500], times: 2)
            try await run(.put, fixture)
            let dates = try await fixture.requests(.put).map { $0.headers["x-ms-date"] }
            #expect(dates.count == 3 && Set(dates).count == 3)
        }
    }
}
