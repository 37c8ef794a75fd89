import BlobCore
import Testing

@testable import blobctl

@Suite struct FailureReportTests {
    @Test(arguments: [
        (BlobError.Code.invalidURI, CommandStatus.usage), (.invalidArgument, .usage),
        (.notFound, .notFound), (.uploadNotFound, .notFound), (.containerNotFound, .notFound),
        (.alreadyExists, .conflict), (.preconditionFailed, .conflict), (.conflict, .conflict),
        (.objectChanged, .conflict), (.permissionDenied, .permissionDenied),
        (.unauthenticatedPeer, .permissionDenied), (.readOnly, .permissionDenied),
        (.connectionLost, .unreachable), (.handshakeTimeout, .unreachable),
        (.peerStalled, .retryable), (.deadlineExceeded, .retryable), (.stalled, .retryable),
        (.backendThrottled, .retryable), (.backendUnavailable, .retryable),
        (.overloaded, .retryable), (.quotaExceeded, .retryable), (.refused, .retryable),
        (.noSpace, .failure), (.checksumMismatch, .failure), (.dataLoss, .failure),
        (.internal, .failure), (.unsupportedOperation, .failure),
        (BlobError.Code(rawValue: 0x03ff), .permissionDenied),
        (BlobError.Code(rawValue: 0x7fff), .failure),
    ])
    func statuses(code: BlobError.Code, expected: CommandStatus) {
        #expect(FailureReport(BlobError(code, "x")).status == expected)
    }

    @Test func lineIsOneLine() {
        var error = BlobError(.backendThrottled, "slow\ndown")
        error.uri = "s3://b/k"
        error.retryAfter = .milliseconds(1200)
        #expect(
            FailureReport(error).line
                == "blobctl: slow\\u{a}down [s3://b/k]; try again in 2 s")
    }

    @Test func jsonNamesEverything() {
        var error = BlobError(.notFound, "no \"such\" blob")
        error.uri = "s3://b/k"
        let expected =
            #"{"error":{"code":"NOT_FOUND","message":"no \"such\" blob","uri":"s3://b/k","#
            + #""advice":null,"retryable":false,"retry_after_seconds":null,"exit_code":3}}"#
        #expect(FailureReport(error).json?.text == expected)
    }

    @Test func brokenPipeIsQuiet() {
        let report = FailureReport(BrokenPipe())
        #expect(report.status == .brokenPipe)
        #expect(report.line == nil)
        #expect(report.json == nil)
    }

    @Test func helpTextHasEveryStatus() {
        for status in CommandStatus.allCases {
            #expect(CommandStatus.helpText.contains("  \(status.rawValue) "))
        }
    }

    @Test func deadlineIsShared() throws {
        #expect(try CallDeadline(timeout: nil).options().timeout == nil)
        let timeout = try #require(try CallDeadline(timeout: .seconds(100)).options().timeout)
        #expect(timeout <= .seconds(100))
        #expect(timeout > .seconds(50))
        #expect(throws: CallDeadline.exceeded) {
            try CallDeadline(timeout: .zero).options()
        }
    }
}
