internal import Glibc

/// A failed system call: which one, and the errno it gave.
public struct SystemError: Error, Sendable, Equatable {
    /// The errno of the failed call.
    public let errorNumber: Int32

    /// The name of the failed call, for people.
    public let operation: String

    /// Describes the failure `errorNumber` of `operation`.
    public init(errorNumber: Int32, operation: String) {
        self.errorNumber = errorNumber
        self.operation = operation
    }

    /// Takes the negated errno that the C shims return.
    init(result: Int, operation: String) {
        self.init(errorNumber: Int32(truncatingIfNeeded: -result), operation: operation)
    }
}

extension SystemError: CustomStringConvertible {
    /// The call and the system's text for its errno.
    public var description: String {
        // strerror_r rather than strerror: loops and pool threads describe errors concurrently.
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            guard strerror_r(errorNumber, base, buffer.count) == 0 else { return "unknown error" }
            return String(cString: base)
        }
        return "\(operation): \(text) (errno \(errorNumber))"
    }
}

/// Throws unless `result`, from a C shim, is a success.
@discardableResult
func checked(_ result: Int32, _ operation: String) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(result: Int(result), operation: operation) }
    return result
}

/// Repeats a call until a signal no longer interrupts it.
@inline(__always)
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -Result(EINTR) { return result }
    }
}
