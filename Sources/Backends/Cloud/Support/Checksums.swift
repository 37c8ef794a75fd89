internal import BlobCore
internal import CChecksums

/// A running CRC-32C, as stores check uploads with.
struct CRC32C: Sendable {
    /// The checksum of everything given so far.
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: Bytes) {
        bytes.withUnsafeBytes { value = cchecksums_crc32c(value, $0.baseAddress, $0.count) }
    }

    /// As headers carry it: the bytes of the number, the most significant first.
    var base64: String { ChecksumText.base64(of: value) }
}

/// A running CRC-64/NVME, as S3 computes for every object by itself. Azure's CRC-64 is the same.
struct CRC64NVME: Sendable {
    /// The checksum of everything given so far.
    private(set) var value: UInt64 = 0

    mutating func update(_ bytes: Bytes) {
        bytes.withUnsafeBytes { value = cchecksums_crc64nvme(value, $0.baseAddress, $0.count) }
    }

    /// As headers carry it: the bytes of the number, the most significant first.
    var base64: String { ChecksumText.base64(of: value) }

    /// As Azure has it: the least significant byte first.
    var littleEndianBase64: String { ChecksumText.base64(of: value.byteSwapped) }
}

private enum ChecksumText {
    static func base64<Number: FixedWidthInteger>(of value: Number) -> String {
        withUnsafeBytes(of: value.bigEndian) { Base64.text(of: Array($0)) }
    }
}
