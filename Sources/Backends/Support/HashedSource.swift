package import BlobCore

/// A body that was hashed where it came from. Whoever stores it hashes what it stores and compares
/// before anybody can see the blob (CM-19).
package protocol HashedSource: ByteSource {
    /// The SHA-256 of all bytes that were given; once, after the end.
    func sha256() throws(BlobError) -> [UInt8]
}

extension BlobBody {
    /// The source, if it was hashed on its way here.
    package var hashedSource: (any HashedSource)? {
        if case .stream(let source, _) = self { source as? any HashedSource } else { nil }
    }
}
