internal import BlobCore
internal import Synchronization

/// The uploads that were begun through one socket and are open.
final class UploadLedger: Sendable {
    private struct State {
        /// Those in the ledger and those being begun.
        var count = 0
        var order: [UInt64: MultipartUpload] = [:]
        var numbers: [MultipartUpload: UInt64] = [:]
        var nextNumber: UInt64 = 0
        /// The last that were completed: a completion whose answer was lost is asked for again.
        var completed: [MultipartUpload] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Makes room for one more, by forgetting the oldest where the policy has no grants: there the
    /// ledger is only a record.
    func reserve(_ policy: ListenerPolicy) throws(BlobError) {
        let hasRoom = state.withLock { state in
            if state.count >= policy.maximumUploadCount {
                guard policy.scope == .everything, let oldest = state.order.keys.min() else {
                    return false
                }
                Self.remove(oldest, &state)
            }
            state.count += 1
            return true
        }
        guard hasRoom else {
            var error = BlobError(
                .quotaExceeded,
                "\(policy.maximumUploadCount) multipart uploads are open; complete or abort one",
                origin: .policy)
            error.retryAfter = .seconds(1)
            throw error
        }
    }

    /// Gives back what was reserved.
    func release() {
        state.withLock { $0.count -= 1 }
    }

    /// Notes an upload in the room reserved for it.
    ///
    /// - Returns: False when the ledger was closed meanwhile.
    func open(_ upload: MultipartUpload) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.numbers[upload] == nil else {
                state.count -= 1
                return !state.isClosed
            }
            state.order[state.nextNumber] = upload
            state.numbers[upload] = state.nextNumber
            state.nextNumber += 1
            return true
        }
    }

    func contains(_ upload: MultipartUpload) -> Bool {
        state.withLock { $0.numbers[upload] != nil }
    }

    /// Whether the upload is one of the last 64 that were completed through the socket.
    func hasCompleted(_ upload: MultipartUpload) -> Bool {
        state.withLock { $0.completed.contains(upload) }
    }

    /// The upload is completed.
    func complete(_ upload: MultipartUpload) {
        close(upload)
        state.withLock { state in
            guard !state.completed.contains(upload) else { return }
            if state.completed.count == Self.maximumCompletedCount {
                state.completed.removeFirst()
            }
            state.completed.append(upload)
        }
    }

    private static let maximumCompletedCount = 64

    /// The upload is completed or given up.
    func close(_ upload: MultipartUpload) {
        state.withLock { state in
            if let number = state.numbers[upload] { Self.remove(number, &state) }
        }
    }

    /// Ends the ledger; those that are open, the oldest first.
    func end() -> [MultipartUpload] {
        state.withLock { state in
            state.isClosed = true
            defer {
                state.order = [:]
                state.numbers = [:]
            }
            return state.order.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private static func remove(_ number: UInt64, _ state: inout State) {
        guard let upload = state.order.removeValue(forKey: number) else { return }
        state.numbers[upload] = nil
        state.count -= 1
    }
}
