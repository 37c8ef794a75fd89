import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Answers that are half, hostile or an error in the clothes of a success (CM-11, S3-10).
@Suite(.timeLimit(.minutes(10))) struct GCSDocumentTests {
    /// An operation and the request of it whose success is an XML document.
    struct Case: Sendable {
        var operation: GCSOperation
        var request: GCSRequest
    }

    static let cases = [
        Case(operation: .putParts, request: .complete), Case(operation: .upload, request: .begin),
        Case(operation: .upload, request: .complete), Case(operation: .list, request: .list),
        Case(operation: .listParts, request: .listParts),
    ]

    /// Runs the operation while the first answers to that request are other ones.
    private func run(
        _ tested: Case, _ parts: [String: JSONValue], times: Int = 1,
        expecting error: BlobError.Code? = nil, askedTimes: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            var before = 0
            func disturb() async throws {
                before = try await fixture.requests(tested.request).count
                _ = try await fixture.fault(tested.request, parts, times: times)
            }
            if let error {
                await expectError(error) {
                    try await tested.operation.run(fixture, disturb: disturb)
                }
            } else {
                try await tested.operation.run(fixture, disturb: disturb)
            }
            #expect(try await fixture.requests(tested.request).count - before == askedTimes)
        }
    }

    private func late(_ code: String) -> [String: JSONValue] {
        [
            "status": 200,
            "body": .text("<?xml version='1.0'?>\n<Error><Code>\(code)</Code></Error>"),
        ]
    }

    @Test(arguments: cases, ["InternalError", "SlowDown", "NeverHeardOfIt"])
    func `S3-10 a success that holds a passing error is repeated`(
        tested: Case, code: String
    ) async throws {
        try await run(tested, late(code), askedTimes: 2)
    }

    @Test(arguments: cases)
    func `S3-10 a success that holds an error is that error`(tested: Case) async throws {
        try await run(
            tested, late("AccessDenied"), times: 100, expecting: .permissionDenied, askedTimes: 1)
        try await run(
            tested, late("SlowDown"), times: 100, expecting: .backendThrottled, askedTimes: 4)
    }

    @Test(arguments: cases, [0, 1, 20, 60])
    func `CM-11 half a document is asked for again`(tested: Case, byteCount: Int) async throws {
        // What was begun or completed is known by its token, or is not known at all.
        try await GCSFixture.with { fixture in
            try await tested.operation.run(fixture) {
                _ = try await fixture.fault(
                    tested.request, ["cutAfterBytes": .number(byteCount)])
            }
        }
    }

    /// Documents that want to hurt whoever reads them.
    enum Hostile: CaseIterable, Sendable {
        case entityBomb, externalEntity, documentType, manyElements, deepNesting, html, otherRoot

        /// What may be an accident comes again, perhaps whole.
        var isRepeated: Bool { self == .html }

        var text: String {
            switch self {
            case .entityBomb:
                "<!DOCTYPE r [<!ENTITY e0 \"boom\">"
                    + (1..<30).map { level in
                        let inner = String(repeating: "&e\(level - 1);", count: 10)
                        return "<!ENTITY e\(level) \"\(inner)\">"
                    }.joined() + "]><Error><Code>&e29;</Code></Error>"
            case .externalEntity:
                "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
                    + "<ListBucketResult><Name>&x;</Name></ListBucketResult>"
            case .documentType: "<!DOCTYPE ListBucketResult><ListBucketResult/>"
            case .manyElements:
                "<ListBucketResult>" + String(repeating: "<a/>", count: 200_000)
                    + "</ListBucketResult>"
            case .deepNesting: String(repeating: "<a>", count: 15_000)
            case .html: "<html><head><title>Sign in</title><br></head></html>"
            case .otherRoot: "<ListAllMyBucketsResult/>"
            }
        }
    }

    @Test(arguments: Hostile.allCases, cases)
    func `CM-11 hostile documents are errors`(hostile: Hostile, tested: Case) async throws {
        try await run(
            tested, ["status": 200, "body": .text(hostile.text)], times: 100,
            expecting: .backendUnavailable, askedTimes: hostile.isRepeated ? 4 : 1)
    }

    @Test(arguments: Hostile.allCases, [403, 404, 500])
    func `CM-11 hostile reasons for a refusal are passed over`(
        hostile: Hostile, status: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let expected: BlobError.Code =
                [403: .permissionDenied, 404: .notFound][status] ?? .backendUnavailable
            await expectError(expected) {
                try await GCSOperation.read.run(fixture) {
                    _ = try await fixture.fault(
                        .get, ["status": .number(status), "body": .text(hostile.text)], times: 100)
                }
            }
        }
    }

    /// What the JSON API may say of a copy that makes no sense.
    static let progress = [
        "", "{", "[]", "{\"done\": \"yes\"}", "{\"done\": true}",
        "{\"done\": true, \"resource\": {}}",
        "{\"done\": false}", "{\"done\": false, \"rewriteToken\": \"t\"}",
        "{\"done\": false, \"rewriteToken\": \"t\", \"totalBytesRewritten\": \"0\"}",
        "{\"done\": false, \"rewriteToken\": \"t\", \"totalBytesRewritten\": \"-7\"}",
        "{\"done\": false, \"rewriteToken\": \"t\", \"totalBytesRewritten\": \"99999999999999999999\"}",
        "{\"done\": false, \"rewriteToken\": \"t\", \"totalBytesRewritten\": \"5\"}",
        String(repeating: "[", count: 60_000), String(repeating: " ", count: 200_000),
        "<Error><Code>InternalError</Code></Error>",
    ]

    @Test(arguments: progress)
    func `a copy that does not come on is an error`(_ text: String) async throws {
        try await GCSFixture.with { fixture in
            await expectError(.backendUnavailable) {
                try await GCSOperation.copy.run(fixture) {
                    _ = try await fixture.fault(
                        .rewrite, ["status": 200, "body": .text(text)], times: 100)
                }
            }
            // No endless loop: the last but three comes on once, and then stands still.
            let count = try await fixture.requests(.rewrite).count
            #expect(count <= 2)
            #expect(try await fixture.keys() == ["blob"])
        }
    }

    /// What the service may say of bytes in order.
    @Test(
        arguments: [
            "bytes=0-262143", "bytes=0-99999999", "bytes=1-5242879", "bytes=0-", "bytes=-5",
            "octets=0-5242879", "bytes=0-18446744073709551615", "bytes=0-9223372036854775807",
        ])
    func `bytes in order that the service does not have are an error`(
        _ range: String
    ) async throws {
        try await GCSFixture.with { fixture in
            let fault = try await fixture.fault(
                .append, ["status": 308, "headers": ["Range": .text(range)], "body": ""],
                times: 100)
            await expectError(.backendUnavailable) {
                try await fixture.backend.put(
                    fixture.uri("blob"), GCSOperation.large,
                    options: PutOptions(condition: .createOnly))
            }
            try await fixture.server.remove(fault)
            try await fixture.expectNothingHalfOpen()
            #expect(try await fixture.keys() == [])
        }
    }

    @Test(arguments: [nil, "", "nonsense", "http://elsewhere/?upload_id=", "http://elsewhere/x"])
    func `a session without a name is an error`(_ location: String?) async throws {
        try await GCSFixture.with { fixture in
            let headers: [String: JSONValue] = location.map { ["Location": .text($0)] } ?? [:]
            _ = try await fixture.fault(
                .start, ["status": 201, "headers": .object(headers), "body": ""], times: 100)
            await expectError(.backendUnavailable) {
                try await GCSOperation.putInOrder.run(fixture)
            }
        }
    }

    @Test func `CM-10 of a session only its name is taken, not its place`() async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(
                .start,
                [
                    "status": 201, "body": "",
                    "headers": ["Location": "http://127.0.0.1:1/evil?upload_id=a%26b%20c"],
                ])
            await expectError(.backendUnavailable) {
                try await GCSOperation.putInOrder.run(fixture)
            }
            let asked = try await fixture.requests(.append)
            #expect(asked.count == 1)
            #expect(asked.first?.target.hasSuffix("/new?upload_id=a%26b%20c") == true)
        }
    }
}
