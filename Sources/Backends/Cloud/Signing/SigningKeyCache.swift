internal import BlobCore
internal import CSigningShims
internal import Synchronization

/// Keeps signing keys: deriving one takes four HMACs, and it holds for a day.
final class SigningKeyCache: Sendable {
    private struct Name: Hashable {
        var secret: String
        var date: String
        var region: String
        var service: String
    }

    /// Many more than a server has pairs of credentials and region.
    private static let capacity = 256

    private let keys = Mutex<[Name: SigningKey]>([:])

    init() {}

    /// The key for `date`, such as "20261123".
    func key(
        secret: String, date: String, region: String, service: String
    ) throws(BlobError) -> SigningKey {
        let name = Name(secret: secret, date: date, region: region, service: service)
        if let known = keys.withLock({ $0[name] }) { return known }
        let derived = try SigningKey(secret: secret, date: date, region: region, service: service)
        keys.withLock { keys in
            // Rotated secrets and past days do not pile up.
            if keys.count >= Self.capacity { keys = keys.filter { $0.key.date == date } }
            if keys.count >= Self.capacity { keys.removeAll() }
            keys[name] = derived
        }
        return derived
    }

    /// How many keys are held; for tests.
    var count: Int { keys.withLock { $0.count } }
}

/// A derived key of AWS Signature V4. Erased when nobody uses it any longer.
///
/// `@unchecked Sendable`: the memory is written in `init` only and freed in `deinit`.
final class SigningKey: @unchecked Sendable {
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    fileprivate init(
        secret: String, date: String, region: String, service: String
    ) throws(BlobError) {
        bytes = .allocate(capacity: SigningState.digestByteCount)
        bytes.initialize(repeating: 0)
        guard let target = bytes.baseAddress else { return }
        let text = "AWS4\(secret)"
        let longTerm = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = longTerm.initialize(from: text.utf8)
        defer {
            csigning_erase(longTerm.baseAddress, longTerm.count)
            longTerm.deallocate()
        }
        var state = try SigningState(key: UnsafeBufferPointer(longTerm))
        try state.hmac(date, into: target)
        for step in [region, service, "aws4_request"] {
            state = try makeState()
            try state.hmac(step, into: target)
        }
    }

    deinit {
        csigning_erase(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }

    /// What signs under this key.
    func makeState() throws(BlobError) -> SigningState {
        try SigningState(key: UnsafeBufferPointer(bytes))
    }
}
