internal import BlobCore
internal import CSigningShims
internal import Synchronization

/// A key of Azure, which signs by HMAC-SHA256: that of an account or that of a delegation.
///
/// Its bytes are decoded once, hashed into the state that signs, and erased.
final class AzureSigningKey: Sendable {
    private let state: Mutex<SigningState>
    /// Tells whether two keys are the same without keeping either.
    private let fingerprint: [UInt8]

    /// - Parameter text: The key in Base64, as Azure gives it.
    init(base64 text: String) throws(BlobError) {
        guard var bytes = Base64.bytes(of: text), !bytes.isEmpty else {
            throw BlobError(
                .backendAuthentication,
                "the Azure key is not in Base64; copy it again, without blanks and with its '=' at"
                    + " the end")
        }
        defer { bytes.withUnsafeMutableBytes { csigning_erase($0.baseAddress, $0.count) } }
        // The closure cannot return it, because it cannot be copied.
        var made: SigningState?
        try bytes.withUnsafeBufferPointer { key throws(BlobError) in
            made = try SigningState(key: key)
        }
        guard var state = made.take() else {
            throw BlobError(.internal, "the state of a signature got lost")
        }
        fingerprint = try Self.digest(Array("fingerprint".utf8), &state)
        self.state = Mutex(state)
    }

    /// The signature in Base64.
    func signature(of text: String) throws(BlobError) -> String {
        try signature(of: Array(text.utf8))
    }

    /// The signature in Base64.
    func signature(of text: [UInt8]) throws(BlobError) -> String {
        let digest = try state.withLock { state throws(BlobError) in
            try Self.digest(text, &state)
        }
        return Base64.text(of: digest)
    }

    private static func digest(
        _ text: [UInt8], _ state: inout SigningState
    ) throws(BlobError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: SigningState.digestByteCount)
        try digest.withUnsafeMutableBufferPointer { digest throws(BlobError) in
            guard let target = digest.baseAddress else { return }
            try state.hmac(text, into: target)
        }
        return digest
    }
}

extension AzureSigningKey: Hashable {
    static func == (left: AzureSigningKey, right: AzureSigningKey) -> Bool {
        left.fingerprint == right.fingerprint
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}

extension AzureSigningKey: CustomStringConvertible, CustomReflectable {
    var description: String { "AzureSigningKey(REDACTED)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
