import BlobCore
import Glibc

/// Where a command prints, and in which form.
struct Console: Sendable {
    var output: any OutputSink
    var errors: any OutputSink
    /// One JSON object per line instead of text for people.
    var usesJSON = false
    /// No confirmations and no progress; what was asked for is still printed.
    var isQuiet = false
    /// Whether standard error is a terminal.
    var errorsAreTerminal = false

    /// Whether to draw a progress bar.
    var showsProgress: Bool { errorsAreTerminal && !usesJSON && !isQuiet }

    /// Prints what the user asked for: the fields as JSON, or the text.
    func result(json: [JSONValue.Field], text: @autoclosure () -> String) throws {
        try output.write((usesJSON ? JSONValue.object(json).text : text()) + "\n")
    }

    /// Prints what was done, unless the user wants no such lines.
    func confirmation(json: [JSONValue.Field], text: @autoclosure () -> String) throws {
        if usesJSON {
            try output.write(JSONValue.object(json).text + "\n")
        } else if !isQuiet {
            try output.write(text() + "\n")
        }
    }

    /// Prints a hint for people on standard error.
    func note(_ text: String) {
        guard !usesJSON, !isQuiet else { return }
        // Whoever closed standard error does not want hints.
        try? errors.write("blobctl: \(Formatting.printable(text))\n")
    }

    /// Prints a failure on standard error.
    func report(_ failure: FailureReport) {
        guard let text = usesJSON ? failure.json?.text : failure.line else { return }
        // The exit status still tells when standard error is closed.
        try? errors.write(text + "\n")
    }
}

extension Console {
    /// The console of this process.
    init(usesJSON: Bool, isQuiet: Bool) {
        self.init(
            output: DescriptorSink.standardOutput, errors: DescriptorSink.standardError,
            usesJSON: usesJSON, isQuiet: isQuiet, errorsAreTerminal: isatty(STDERR_FILENO) == 1)
    }

    /// The console for arguments that cannot be parsed: even then `--json` should hold.
    static func forUnparsed(_ arguments: [String]) -> Console {
        Console(usesJSON: arguments.prefix { $0 != "--" }.contains("--json"), isQuiet: false)
    }
}
