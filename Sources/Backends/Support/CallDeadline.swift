package import BlobCore

/// The end of a call's time limit. It is looked at before each step that can take long; a step that
/// has begun is not interrupted by it.
package struct CallDeadline: Sendable {
    /// Nil when there is no limit.
    package let end: ContinuousClock.Instant?

    /// Longer limits, more than a century, are none: adding them to the clock could overflow.
    private static let longestTimeout = Duration.seconds(1 << 32)

    package init(_ options: CallOptions) {
        end = options.timeout.flatMap { timeout in
            timeout > Self.longestTimeout
                ? nil : ContinuousClock.now.advanced(by: max(timeout, .zero))
        }
    }

    package func check() throws(BlobError) {
        guard let end, ContinuousClock.now >= end else { return }
        throw BlobError(
            .deadlineExceeded, "the call's time limit passed; allow more time or send less",
            origin: .backend)
    }
}
