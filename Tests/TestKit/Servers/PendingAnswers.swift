package import Foundation
internal import Synchronization

/// The answers of a server of the tests that somebody waits for.
package final class PendingAnswers: Sendable {
    /// One answer to come.
    package final class Pending: Sendable {
        private let happened = Event()
        private let line = Mutex<Data?>(nil)

        func resolve(_ data: Data?) {
            line.withLock { $0 = data }
            happened.signal()
        }

        package func value() async throws -> Data {
            try await happened.wait()
            guard let data = line.withLock({ $0 }) else {
                throw ServerProcessError(
                    description: "a server of the tests ended; standard error says why")
            }
            return data
        }
    }

    private struct State {
        /// Number 0 is the line with which the server says that it is ready.
        var pending: [Int: Pending] = [0: Pending()]
        var nextIdentifier = 1
        var hasEnded = false
    }

    private struct Head: Decodable {
        let id: Int?
    }

    private let state = Mutex(State())

    package init() {}

    package func firstLine() async throws -> Data {
        guard let first = state.withLock({ $0.pending[0] }) else {
            throw ServerProcessError(description: "the first line was taken")
        }
        return try await first.value()
    }

    /// A new number, and the answer that will come for it.
    package func expect() -> (identifier: Int, pending: Pending) {
        let pending = Pending()
        let (identifier, hasEnded) = state.withLock { state in
            defer { state.nextIdentifier += 1 }
            if !state.hasEnded { state.pending[state.nextIdentifier] = pending }
            return (state.nextIdentifier, state.hasEnded)
        }
        if hasEnded { pending.resolve(nil) }
        return (identifier, pending)
    }

    package func receive(_ line: Data) {
        let identifier = (try? JSONDecoder().decode(Head.self, from: line))?.id ?? 0
        let pending = state.withLock { state in
            // The first line stays, for whoever asks for it later.
            identifier == 0 ? state.pending[0] : state.pending.removeValue(forKey: identifier)
        }
        pending?.resolve(line)
    }

    package func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.pending = state.pending.filter { $0.key == 0 } }
            return state.pending
        }
        for pending in waiting.values { pending.resolve(nil) }
    }
}
