import BlobCore
import Dispatch

/// Runs system calls that can block for long, on pipes and terminals, away from the threads that
/// run async code: the connection must be able to answer the server while `less` is paused.
struct BlockingThread: Sendable {
    private let queue = DispatchQueue(label: "blobctl.blocking")

    /// Runs `body` after everything that was handed in before, and waits for it.
    func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
