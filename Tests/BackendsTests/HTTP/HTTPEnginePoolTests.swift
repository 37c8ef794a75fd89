import LinuxIO
import Synchronization
import Testing

@testable import CloudBackends

/// The end of the engines.
@Suite(.timeLimit(.minutes(5))) struct HTTPEnginePoolTests {
    /// A process that ended before lost OpenSSL while a connection still used it.
    @Test func `closing waits for the loop that closes the connections`() async throws {
        let pool = HTTPEnginePool(settings: HTTPFixture.settings())
        let loop = try pool.engine().loop
        let isDone = Mutex(false)
        // The loop has other things to do first.
        loop.execute {
            let end = ContinuousClock.now.advanced(by: .milliseconds(50))
            while ContinuousClock.now < end {}
            isDone.withLock { $0 = true }
        }
        await pool.closeAndWait()
        #expect(isDone.withLock { $0 })
    }
}
