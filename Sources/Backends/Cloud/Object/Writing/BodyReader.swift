internal import Backends
internal import BlobCore
internal import LinuxIO

/// Takes a body apart into parts, without copying, and counts and hashes it on the way.
///
/// Used by one task.
final class BodyReader {
    private let source: any ByteSource
    private let declaredByteCount: UInt64?
    private let hashing: BlockingPool
    private let uri: BlobURI
    private let expectedSHA256: [UInt8]?
    private let hashed: (any HashedSource)?
    private let digest: SHA256Digest?
    private var rest: Bytes?
    private var hasEnded = false
    /// What was taken so far.
    private(set) var byteCount: UInt64 = 0

    /// - Parameter expectedSHA256: What `sha256` has to find.
    init(
        _ body: BlobBody, computesSHA256: Bool = false, expectedSHA256: [UInt8]? = nil,
        hashing: BlockingPool, uri: BlobURI
    ) throws(BlobError) {
        if let expectedSHA256, expectedSHA256.count != SHA256Digest.byteCount {
            throw BlobError(.invalidArgument, "a SHA-256 has 32 bytes")
        }
        self.expectedSHA256 = expectedSHA256
        source = body.makeSource()
        declaredByteCount = body.byteCount
        self.hashing = hashing
        self.uri = uri
        hashed = body.hashedSource
        let isHashed = computesSHA256 || expectedSHA256 != nil || hashed != nil
        digest = isHashed ? try SHA256Digest() : nil
    }

    /// The next `maximumByteCount` bytes, or all that are left; in pieces as they came.
    func part(upTo maximumByteCount: Int) async throws(BlobError) -> [Bytes] {
        var pieces: [Bytes] = []
        var missing = maximumByteCount
        while missing > 0, let piece = try await nextPiece() {
            let taken = piece.prefix(missing)
            if taken.count < piece.count { rest = piece.dropFirst(taken.count) }
            pieces.append(taken)
            missing -= taken.count
            byteCount += UInt64(taken.count)
        }
        try checkLength()
        try await hash(pieces)
        return pieces
    }

    /// Whether nothing is left; waits for the next piece to know.
    func isAtEnd() async throws(BlobError) -> Bool {
        guard let piece = try await nextPiece() else {
            try checkLength()
            return true
        }
        rest = piece
        return false
    }

    /// The SHA-256 of everything, if it was to be computed. Once, at the end, before the service is
    /// told to keep what it got (W-73, CM-19).
    func sha256() throws(BlobError) -> [UInt8]? {
        let found = try digest?.finish()
        var expected = expectedSHA256
        if expected == nil, let hashed { expected = try hashed.sha256() }
        guard let expected, expected != found else { return found }
        throw BlobError(
            .checksumMismatch,
            "the bytes do not have the SHA-256 given; they were damaged on the way or the checksum is"
                + " of something else; nothing was stored",
            origin: .backend)
    }

    private func nextPiece() async throws(BlobError) -> Bytes? {
        if let piece = rest {
            rest = nil
            return piece
        }
        guard !hasEnded else { return nil }
        if Task.isCancelled { throw BlobError.cancelled.on(uri) }
        let piece = try await source.next()
        if piece == nil { hasEnded = true }
        return piece
    }

    /// CM-15: before anything is made of what came.
    private func checkLength() throws(BlobError) {
        guard let declaredByteCount else { return }
        guard byteCount <= declaredByteCount, !hasEnded || byteCount == declaredByteCount else {
            throw BlobError(
                .invalidArgument,
                "the body was declared as \(declaredByteCount) bytes but has"
                    + " \(hasEnded ? "only \(byteCount)" : "more"); nothing was stored",
                uri: uri)
        }
    }

    private func hash(_ pieces: [Bytes]) async throws(BlobError) {
        guard let digest, !pieces.isEmpty else { return }
        try await PoolHops(pool: hashing).run(on: uri) { () throws(BlobError) in
            for piece in pieces {
                try piece.withUnsafeBytes { bytes throws(BlobError) in try digest.update(bytes) }
            }
        }
    }
}
