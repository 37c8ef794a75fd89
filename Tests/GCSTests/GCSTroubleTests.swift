import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What passes is waited for, and not for ever (GC-08).
@Suite(.timeLimit(.minutes(10))) struct GCSTroubleTests {
    /// What goes wrong with an attempt, and what remains when it goes on so.
    struct Trouble: Sendable, CustomTestStringConvertible {
        var name: String
        var parts: [String: JSONValue]
        var error: BlobError.Code
        var testDescription: String { name }

        static func status(
            _ status: Int, _ error: BlobError.Code, code: String? = nil,
            headers: [String: JSONValue] = [:]
        ) -> Trouble {
            var parts: [String: JSONValue] = [
                "status": .number(status), "headers": .object(headers),
            ]
            if let code { parts["code"] = .text(code) }
            return Trouble(name: "\(status) \(code ?? "")", parts: parts, error: error)
        }
    }

    static let troubles: [Trouble] = [
        .status(500, .backendUnavailable, code: "InternalError"),
        .status(502, .backendUnavailable, code: "BackendError"),
        .status(503, .backendThrottled, code: "ServiceUnavailable"),
        .status(503, .backendThrottled, code: "SlowDown", headers: ["Retry-After": "86400"]),
        .status(504, .backendUnavailable),
        .status(429, .backendThrottled, code: "TooManyRequests"),
        .status(408, .backendUnavailable, code: "RequestTimeout"),
        Trouble(name: "drop", parts: ["drop": true], error: .backendUnavailable),
        Trouble(name: "reset", parts: ["reset": true], error: .backendUnavailable),
    ]

    @Test(arguments: GCSOperation.allCases, troubles)
    func `GC-08 every request of every operation outlives a passing trouble`(
        operation: GCSOperation, trouble: Trouble
    ) async throws {
        for kind in operation.requests {
            try await GCSFixture.with { fixture in
                var faults: [CloudTestServer.Fault] = []
                try await operation.run(fixture) {
                    faults.append(try await fixture.fault(kind, trouble.parts))
                }
                for fault in faults { #expect(try await fixture.server.remove(fault) == 1) }
                try await fixture.expectNothingHalfOpen()
            }
        }
    }

    @Test(arguments: GCSOperation.allCases, [troubles[0], troubles[3], troubles[5], troubles[7]])
    func `GC-08 trouble without end is an error after some attempts`(
        operation: GCSOperation, trouble: Trouble
    ) async throws {
        for kind in operation.requests {
            try await GCSFixture.with { fixture in
                var fault: CloudTestServer.Fault?
                let error = await expectError(trouble.error) {
                    try await operation.run(fixture) {
                        fault = try await fixture.fault(kind, trouble.parts, times: 1000)
                    }
                }
                #expect(error?.message.contains("tried 4 times") == true, "\(error?.message ?? "")")
                #expect(error?.retry == .backoff)
                if let fault { try await fixture.server.remove(fault) }
            }
        }
    }

    @Test(arguments: [GCSRequest.get, .put, .list, .rewrite, .append, .begin, .part, .complete])
    func `a service that falls silent is not waited for`(_ kind: GCSRequest) async throws {
        let operations: [GCSRequest: GCSOperation] = [
            .get: .read, .put: .put, .list: .list, .rewrite: .copy, .append: .putInOrder,
            .begin: .putParts, .part: .putParts, .complete: .putParts,
        ]
        let operation = try #require(operations[kind])
        var settings = GCSFixture.Settings()
        settings.timeouts = GCSFixture.timeouts(.seconds(5))
        // On a crowded machine others may come late, too.
        settings.policy.maximumAttemptCount = 20
        try await GCSFixture.with(settings) { fixture in
            let name = fixture.prefix
            try await operation.run(fixture) {
                _ = try await fixture.fault(kind, ["hold": .text(name), "drop": true])
            }
            try await fixture.server.release(name)
        }
    }

    /// What the service said and it said for good.
    @Test(
        arguments: [
            (403, "AccessDenied", .permissionDenied), (404, "NoSuchBucket", .containerNotFound),
            (400, "InvalidArgument", .invalidArgument),
            (400, "NotImplemented", .unsupportedOperation),
            (403, "SignatureDoesNotMatch", .permissionDenied),
            (400, "UserProjectMissing", .invalidArgument), (400, "KeyTooLong", .invalidURI),
        ] as [(Int, String, BlobError.Code)])
    func `what is refused for good is not repeated`(
        status: Int, code: String, expected: BlobError.Code
    ) async throws {
        try await GCSFixture.with { fixture in
            let fault = try await fixture.fault(
                .put, ["status": .number(status), "code": .text(code)], times: 10)
            let error = await expectError(expected) { try await GCSOperation.put.run(fixture) }
            #expect(error?.message.contains(code) == true)
            #expect(try await fixture.server.remove(fault) == 1)
        }
    }

    @Test(arguments: [301, 302, 307, 308])
    func `CM-10 no redirect is followed`(_ status: Int) async throws {
        try await GCSFixture.with { fixture in
            for operation in [GCSOperation.read, .put, .head, .list] {
                let kind = operation.requests[0]
                let elsewhere =
                    fixture.server.description.tlsEndpoint + "/elsewhere-\(fixture.prefix)"
                let error = await expectError(.backendUnavailable) {
                    try await operation.run(fixture) {
                        _ = try await fixture.fault(
                            kind,
                            [
                                "status": .number(status),
                                "headers": ["Location": .text(elsewhere)],
                                "body": "",
                            ])
                    }
                }
                #expect(error?.message.contains("redirects") == true, "\(error?.message ?? "")")
                // Who writes has left nothing.
                try? await fixture.server.delete("\(fixture.prefix)/blob")
            }
            let followed = try await fixture.server.requests("elsewhere-\(fixture.prefix)")
            #expect(followed.isEmpty)
        }
    }
}
