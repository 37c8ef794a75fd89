internal import Backends
internal import BlobCore
internal import LinuxIO

/// Blobs in the words of Azure. What is asked is small: names of blobs are whole, and the code of an
/// error comes in a header, so that nothing has to be asked twice.
struct AzureDialect: CloudDialect {
    let client: CloudClient
    let service: AzureBlobService
    let options: AzureOptions
    let hashing: BlockingPool
    /// What is copied by one request.
    let copyByteCount: UInt64
    let abandoned = AzureAbandonedUploads()

    var limits: Capabilities.Limits { AzureLimits.limits }

    var metadata: MetadataHeaders { .azure }

    // MARK: Reading

    /// The one that a shared key does not sign by another name than it is sent.
    var rangeHeaderName: String { "x-ms-range" }

    /// AZ-10
    var hasSuffixRanges: Bool { false }

    // MARK: Writing

    func putRequest(
        _ pieces: [Bytes], _ write: CloudWrite
    ) async throws(BlobError) -> CloudRequest {
        var request = CloudRequest(.put, write.uri, "writing the blob")
        request.headers.append("x-ms-blob-type", "BlockBlob")
        request.headers.append(
            try metadata.headers(
                write.attributes,
                commitToken: write.condition == .overwrite ? nil : write.commitToken))
        request.headers.append(options.creation)
        request.headers.append(write.condition.headers)
        try await attach(pieces, to: &request)
        return request
    }

    /// Makes `pieces` the body of `request`, with their checksum for the service to compare (AZ-16).
    func attach(_ pieces: [Bytes], to request: inout CloudRequest) async throws(BlobError) {
        request.body = .bytes(pieces)
        guard options.hasChecksums else { return }
        let checksum = try await PieceHashing.run(over: pieces, on: hashing, request.uri) {
            pieces throws(BlobError) in
            var running = CRC64NVME()
            for piece in pieces { running.update(piece) }
            return running.littleEndianBase64
        }
        request.headers.append("x-ms-content-crc64", checksum)
    }
}

extension MetadataHeaders {
    static let azure = MetadataHeaders(
        prefix: "x-ms-meta-", commitTokenHeader: "x-ms-meta-blobrpc_commit",
        versionHeader: "x-ms-version-id", contentTypeHeader: "x-ms-blob-content-type",
        maximumByteCount: 8 << 10, maximumStoredByteCount: 8 << 10, isOfIdentifiers: true)
}

/// The settings that become headers, made once.
struct AzureOptions: Sendable {
    /// With everything that makes a blob.
    private(set) var creation = HTTPHeaders()
    /// With every block.
    private(set) var blocks = HTTPHeaders()
    let hasChecksums: Bool

    init(_ configuration: AzureConfiguration) throws(BlobError) {
        hasChecksums = configuration.checksum == .crc64
        if let scope = configuration.encryptionScope {
            try Self.check(scope, "encryptionScope")
            blocks.append("x-ms-encryption-scope", scope)
        }
        creation = blocks
        if let tier = configuration.accessTier {
            try Self.check(tier, "accessTier")
            creation.append("x-ms-access-tier", tier)
        }
    }

    private static func check(_ value: String, _ name: String) throws(BlobError) {
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw BlobError(.invalidArgument, "\(name) must be plain ASCII without spaces")
        }
    }
}

/// Sizes and counts of Azure Blob, from its reference, for the version that is spoken.
enum AzureLimits {
    static let maximumBlockByteCount: UInt64 = 4000 << 20
    /// The service takes 50,000; numbers of parts go as far here as everywhere (W-81).
    static let maximumBlockCount: UInt32 = 10_000
    /// What Put Blob From URL and Put Block From URL are asked for at once: what takes longer may be
    /// given up on the way.
    static let copyByteCount: UInt64 = 256 << 20

    static let limits = Capabilities.Limits(
        maximumBlobByteCount: maximumBlockByteCount * UInt64(maximumBlockCount),
        maximumPartByteCount: maximumBlockByteCount, minimumPartByteCount: 0,
        maximumPartCount: maximumBlockCount, maximumPresignSeconds: PresignOptions.maximumSeconds)
}
