public import BlobCore
/// stand-in
public protocol LocalFileSource: ChunkSource {
    /// x
    var descriptor: SharedDescriptor { get }
    /// x
    var regions: [Range<UInt64>] { get }
    /// x
    func makeResident(_ range: Range<UInt64>) async throws(BlobError)
    /// x
    func verifyUnchanged() throws(BlobError)
}
