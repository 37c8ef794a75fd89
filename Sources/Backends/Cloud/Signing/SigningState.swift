internal import BlobCore
internal import CSigningShims

/// HMAC-SHA256 under one key, and signatures with what they have in common hashed once.
struct SigningState: ~Copyable {
    static let digestByteCount = 32
    static let signatureByteCount = 64

    private let state: OpaquePointer

    init(key: UnsafeBufferPointer<UInt8>) throws(BlobError) {
        guard let state = csigning_create(key.baseAddress, key.count) else { throw Self.failure }
        self.state = state
    }

    deinit {
        csigning_free(state)
    }

    mutating func hmac(
        _ text: String, into result: UnsafeMutablePointer<UInt8>
    ) throws(BlobError) {
        var text = text
        let isDone = text.withUTF8 { csigning_hmac(state, $0.baseAddress, $0.count, result) }
        guard isDone == 1 else { throw Self.failure }
    }

    mutating func hmac(
        _ text: [UInt8], into result: UnsafeMutablePointer<UInt8>
    ) throws(BlobError) {
        let isDone = text.withUnsafeBufferPointer {
            csigning_hmac(state, $0.baseAddress, $0.count, result)
        }
        guard isDone == 1 else { throw Self.failure }
    }

    mutating func setStringPrefix(_ prefix: String) throws(BlobError) {
        var prefix = prefix
        let isDone = prefix.withUTF8 { csigning_set_string_prefix(state, $0.baseAddress, $0.count) }
        guard isDone == 1 else { throw Self.failure }
    }

    mutating func setRequestPrefix(_ prefix: String) throws(BlobError) {
        var prefix = prefix
        let isDone = prefix.withUTF8 {
            csigning_set_request_prefix(state, $0.baseAddress, $0.count)
        }
        guard isDone == 1 else { throw Self.failure }
    }

    /// Writes the ``signatureByteCount`` digits of a signature into `target` at `offset`. The
    /// request signed is the prefix and then `rest` from `start` on.
    mutating func sign(
        _ rest: [UInt8], from start: Int, into target: inout [UInt8], at offset: Int
    ) throws(BlobError) {
        precondition(start >= 0 && start <= rest.count)
        precondition(offset >= 0 && offset + Self.signatureByteCount <= target.count)
        let count = rest.count
        let isDone = rest.withUnsafeBufferPointer { rest -> Int32 in
            target.withUnsafeMutableBufferPointer { target -> Int32 in
                guard let rest = rest.baseAddress.map({ $0 + start }),
                    let place = target.baseAddress.map({ $0 + offset })
                else { return 0 }
                return csigning_sign(state, rest, count - start, place)
            }
        }
        guard isDone == 1 else { throw Self.failure }
    }

    /// The signature of a whole canonical request.
    mutating func signature(of canonicalRequest: String) throws(BlobError) -> String {
        var canonicalRequest = canonicalRequest
        var isDone: Int32 = 0
        let text = String(unsafeUninitializedCapacity: Self.signatureByteCount) { target in
            guard let signature = target.baseAddress else { return 0 }
            isDone = canonicalRequest.withUTF8 {
                csigning_sign(state, $0.baseAddress, $0.count, signature)
            }
            return isDone == 1 ? Self.signatureByteCount : 0
        }
        guard isDone == 1 else { throw Self.failure }
        return text
    }

    private static var failure: BlobError {
        BlobError(.internal, "OpenSSL could not compute a signature; check its configuration")
    }
}
