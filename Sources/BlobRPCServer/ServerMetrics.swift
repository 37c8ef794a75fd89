internal import BlobCore
internal import Synchronization

/// Counters since the start; no label ever holds a key, a URI or a peer's text.
public final class ServerMetrics: Sendable {
    private struct Counters {
        var calls: [BlobOperation: UInt64] = [:]
        var errors: [BlobError.Code: UInt64] = [:]
        var named: [String: UInt64] = [:]
    }

    private let counters = Mutex(Counters())

    init() {}

    func countCall(_ operation: BlobOperation, error: BlobError.Code?) {
        counters.withLock { counters in
            counters.calls[operation, default: 0] += 1
            if let error { counters.errors[error, default: 0] += 1 }
        }
    }

    func add(_ count: UInt64 = 1, to name: String) {
        counters.withLock { $0.named[name, default: 0] &+= count }
    }

    /// All counters by name, for example `calls.head` and `errors.NOT_FOUND`.
    public var snapshot: [String: UInt64] {
        counters.withLock { counters in
            var all = counters.named
            for (operation, count) in counters.calls { all["calls.\(operation)"] = count }
            for (code, count) in counters.errors { all["errors.\(code)"] = count }
            return all
        }
    }
}
