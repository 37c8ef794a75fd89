import BlobCore
import Synchronization

@testable import Backends
@testable import CloudBackends

/// Credentials that are numbered: each refusal brings the next.
final class RotatingCredentials: CredentialSource {
    private struct State {
        var number = 0
        var refusedCount = 0
    }

    private let state = Mutex(State())
    private let rotatesAlways: Bool

    /// - Parameter rotatesAlways: Whether every call gets other ones.
    init(rotatesAlways: Bool = false) {
        self.rotatesAlways = rotatesAlways
    }

    /// How often somebody said that current ones were refused.
    var refusedCount: Int { state.withLock { $0.refusedCount } }

    func credentials() async throws(BlobError) -> AWSCredentials {
        state.withLock { state in
            defer { if rotatesAlways { state.number += 1 } }
            return AWSCredentials(
                accessKeyID: "KEY\(state.number)", secretAccessKey: "secret\(state.number)",
                sessionToken: "token\(state.number)", expiresAt: nil)
        }
    }

    func close() {}

    func invalidate(_ refused: AWSCredentials) {
        state.withLock { state in
            guard refused.accessKeyID == "KEY\(state.number)" else { return }
            state.number += 1
            state.refusedCount += 1
        }
    }
}
