import BlobCore

/// The reader of standard output went away: an end without a word, as for any Unix filter.
struct BrokenPipe: Error {}

/// A failure that was already printed, blob by blob; only the exit status is left.
struct ReportedFailure: Error {
    let status: CommandStatus
}

/// An error as it is shown: one line, or one JSON object, and the exit status.
struct FailureReport {
    let status: CommandStatus
    /// Nil when nothing is to be printed.
    let content: Content?

    /// What is printed.
    struct Content {
        var code: String
        var message: String
        var uri: String?
        var advice: String?
        var isRetryable = false
        var retryAfter: Duration?
    }

    init(_ error: any Error) {
        switch error {
        case let error as BlobError:
            self.init(error)
        case is BrokenPipe:
            self.init(status: .brokenPipe, content: nil)
        case let error as ReportedFailure:
            self.init(status: error.status, content: nil)
        case is CancellationError:
            self.init(.cancelled)
        default:
            self.init(
                status: .failure,
                content: Content(code: "OTHER", message: String(describing: error)))
        }
    }

    /// A mistake in the arguments.
    init(usage message: String) {
        self.init(status: .usage, content: Content(code: "USAGE", message: message))
    }

    private init(_ error: BlobError) {
        let status = CommandStatus(error.code)
        self.init(
            status: status,
            content: Content(
                code: error.code.description, message: error.message, uri: error.uri,
                advice: Self.advice(error, status),
                isRetryable: error.retry != .never, retryAfter: error.retryAfter))
    }

    private init(status: CommandStatus, content: Content?) {
        self.status = status
        self.content = content
    }

    /// `blobctl: message [uri]; advice`, always one line.
    var line: String? {
        guard let content else { return nil }
        let place = content.uri.map { " [\($0)]" } ?? ""
        let advice = content.advice.map { "; \($0)" } ?? ""
        return Formatting.printable("blobctl: \(content.message)\(place)\(advice)")
    }

    /// The same for programs.
    var json: JSONValue? {
        guard let content else { return nil }
        let delay = content.retryAfter.map { JSONValue.number($0 / .seconds(1)) } ?? .null
        return .object([
            .init(
                "error",
                .object([
                    .init("code", .string(content.code)),
                    .init("message", .string(content.message)),
                    .init("uri", .optional(content.uri)),
                    .init("advice", .optional(content.advice)),
                    .init("retryable", .bool(content.isRetryable)),
                    .init("retry_after_seconds", delay),
                    .init("exit_code", .signed(Int64(status.rawValue))),
                ]))
        ])
    }

    /// What to do about it, where the message cannot say so: it does not know of options.
    private static func advice(_ error: BlobError, _ status: CommandStatus) -> String? {
        switch error.code {
        case .alreadyExists: return "leave out --create-only to replace it"
        case .preconditionFailed: return "look at the present version with 'blobctl stat'"
        case .deadlineExceeded: return "give it longer with --timeout"
        case .uploadNotFound: return "begin one with 'blobctl multipart create'"
        case .unsupportedBackend: return "'blobctl info' shows what the server serves"
        default: break
        }
        if let delay = error.retryAfter {
            return "try again in \(Int64((delay / .seconds(1)).rounded(.up))) s"
        }
        return status == .retryable || error.retry == .backoff ? "try again later" : nil
    }
}
