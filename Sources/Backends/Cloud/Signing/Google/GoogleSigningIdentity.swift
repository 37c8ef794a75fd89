internal import BlobCore
internal import LinuxIO

/// Who signs URLs for the holder of some credentials, and with what.
enum GoogleSigningIdentity: Sendable {
    /// A service account whose private key is here.
    case key(RSASigningKey, email: String)
    /// A service account whose key Google keeps.
    case signBlob(GoogleSignBlob)
    /// Nobody; the text says what to do about it.
    case none(String)

    /// How long a URL signed by this identity can be relied on, at most.
    var maximumValidSeconds: UInt32 {
        switch self {
        case .key, .none: GoogleV4.maximumValidSeconds
        case .signBlob: GoogleSignBlob.maximumValidSeconds
        }
    }

    /// The address of the service account that signs.
    func email() async throws(GoogleSigningFailure) -> String {
        switch self {
        case .key(_, let email): return email
        case .signBlob(let signer): return try await signer.email()
        case .none(let advice): throw GoogleSigningFailure(BlobError(.presign, advice))
        }
    }

    /// The signatures of `strings`, in their order.
    ///
    /// A signature is a millisecond of work, or a request: it never happens on the caller's
    /// thread, and many at once go some at a time.
    func signatures(
        of strings: [String], on pool: BlockingPool
    ) async throws(GoogleSigningFailure) -> [[UInt8]] {
        switch self {
        case .key(let key, _):
            // Uses several cores, and lets others onto the pool between two slices.
            let batch = GoogleSigningBatch(strings, sliceCount: 16, laneCount: 4)
            return try await batch.run { slice in
                await Self.sign(slice, key, pool)
            }
        case .signBlob(let signer):
            guard strings.count <= GoogleSignBlob.maximumSignatureCount else {
                throw GoogleSigningFailure(
                    BlobError(
                        .invalidArgument,
                        "the IAM service signs for this server, one URL a request: ask for at most"
                            + " \(GoogleSignBlob.maximumSignatureCount) at once, or give the server"
                            + " a service account's key"))
            }
            // Hides the way to the service.
            let batch = GoogleSigningBatch(strings, sliceCount: 1, laneCount: 16)
            return try await batch.run { slice in
                do throws(GoogleSigningFailure) {
                    var signatures: [[UInt8]] = []
                    for text in slice { signatures.append(try await signer.signature(of: text)) }
                    return .success(signatures)
                } catch {
                    return .failure(error)
                }
            }
        case .none(let advice): throw GoogleSigningFailure(BlobError(.presign, advice))
        }
    }

    private static func sign(
        _ strings: ArraySlice<String>, _ key: RSASigningKey, _ pool: BlockingPool
    ) async -> Result<[[UInt8]], GoogleSigningFailure> {
        do throws(BlockingPoolError<BlobError>) {
            let signatures = try await pool.run { () throws(BlobError) -> [[UInt8]] in
                var signatures: [[UInt8]] = []
                signatures.reserveCapacity(strings.count)
                for text in strings { signatures.append(try key.signature(of: text)) }
                return signatures
            }
            return .success(signatures)
        } catch {
            return .failure(GoogleSigningFailure(refusal(error)))
        }
    }

    private static func refusal(_ error: BlockingPoolError<BlobError>) -> BlobError {
        switch error {
        case .failed(let failure): failure
        case .cancelled: .cancelled
        case .shutDown: BlobError(.shuttingDown, "the server is shutting down")
        case .queueFull, .threadUnavailable:
            BlobError(.overloaded, "no thread is free to sign; slow down or add threads")
        }
    }
}

/// Why there is no signature.
struct GoogleSigningFailure: Error, Sendable {
    var error: BlobError
    /// Whether a new token may help (GC-08).
    var isTokenRefused = false

    init(_ error: BlobError, isTokenRefused: Bool = false) {
        self.error = error
        self.isTokenRefused = isTokenRefused
    }
}
