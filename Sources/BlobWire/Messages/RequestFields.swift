internal import BlobCore

/// The fields of a request as received, before an operation takes what it needs.
struct RequestFields {
    var uri: String?
    var destinationURI: String?
    var ranges: [ByteRange] = []
    var ifMatch: String?
    var ifNoneMatch: String?
    var condition: WriteCondition?
    var contentType: String?
    var userMetadata: [String: String] = [:]
    var computesSHA256 = false
    var expectedSHA256: [UInt8]?
    var bodyByteCount: UInt64?
    var delimiter: String?
    var startAfter: String?
    var pageToken: String?
    var pageEntryCount: UInt32?
    var validSeconds: UInt32?
    var uploadID: String?
    var partNumber: UInt32?
    var partOffset: UInt64?
    var listenerText: String?
    var leaseSeconds: UInt32?
    var endsWithCaller = false
    var socketPath: String?

    private var seen: FieldTagSet = []
    private var userMetadataByteCount = 0

    /// The largest total of names and values of user metadata (rule W-45).
    static let maximumUserMetadataByteCount = 2048

    init() {}

    /// Reads all fields; `allowed` are those the operation has.
    ///
    /// A field the operation does not have is passed over, or refused when it is critical (W-47).
    init(
        _ reader: inout ByteReader, allowed: FieldTagSet
    ) throws(RequestRejection) {
        do throws(WireError) {
            while !reader.isAtEnd {
                var field = try Field(&reader)
                guard allowed.contains(field.tag) else {
                    if field.isCritical { throw WireError(.unsupportedOperation, "") }
                    continue
                }
                guard seen.insert(field.tag) || Self.repeatable.contains(field.tag) else {
                    throw WireError(
                        .invalidArgument, "field \(field.tag.rawValue) comes twice (W-46)")
                }
                try takeChecked(&field)
            }
        } catch {
            throw Self.rejection(error)
        }
    }

    private static let repeatable: FieldTagSet = [.range, .userMetadata]

    /// Only a broken frame ends the connection; a request that merely asks for the wrong thing is
    /// answered.
    private static func rejection(_ error: WireError) -> RequestRejection {
        switch error.code {
        case .invalidArgument:
            .refused(BlobError(.invalidArgument, error.reason, origin: .protocol))
        case .unsupportedOperation:
            .refused(
                BlobError(
                    .unsupportedOperation,
                    "the request has a critical field this server does not know (W-47)",
                    origin: .protocol))
        default: .malformed(error)
        }
    }

    /// W-41: a value of the wrong length, or text that is none, is the caller's mistake: the frame
    /// itself is sound, so the call is answered and the connection lives.
    private mutating func takeChecked(_ field: inout Field) throws(WireError) {
        do {
            try take(&field)
            try field.value.requireEnd()
        } catch {
            guard error.code == .badFrame else { throw error }
            throw WireError(.invalidArgument, "field \(field.tag.rawValue): \(error.reason)")
        }
    }

    private mutating func take(_ field: inout Field) throws(WireError) {
        switch field.tag {
        case .uri: uri = try field.value.readText()
        case .destinationURI: destinationURI = try field.value.readText()
        case .range: try takeRange(&field.value)
        case .ifMatch: ifMatch = try field.value.readText()
        case .ifNoneMatch: ifNoneMatch = try field.value.readText()
        case .condition: try takeCondition(&field.value)
        case .contentType: contentType = try field.value.readText()
        case .userMetadata: try takeUserMetadata(&field.value)
        case .computeSHA256: computesSHA256 = true
        case .expectedSHA256: expectedSHA256 = try field.value.readDigest()
        case .bodyByteCount: bodyByteCount = try field.value.readByteCount()
        case .delimiter: delimiter = try field.value.readText()
        case .startAfter: startAfter = try field.value.readText()
        case .pageToken: pageToken = try field.value.readText()
        case .pageEntryCount: pageEntryCount = try field.value.readUInt32()
        case .validSeconds: validSeconds = try field.value.readUInt32()
        case .uploadID: uploadID = try field.value.readText()
        case .partNumber: partNumber = try field.value.readUInt32()
        case .partOffset: partOffset = try field.value.readByteCount()
        case .listenerText: listenerText = try field.value.readText()
        case .leaseSeconds: leaseSeconds = try field.value.readUInt32()
        case .endsWithCaller: endsWithCaller = true
        case .socketPath: socketPath = try field.value.readText()
        default: break
        }
    }

    private mutating func takeRange(_ reader: inout ByteReader) throws(WireError) {
        // W-43
        guard ranges.count < GetOptions.maximumRangeCount else {
            throw WireError(
                .invalidArgument, "more than \(GetOptions.maximumRangeCount) ranges (W-43)")
        }
        let kind = try reader.readUInt8()
        let first = try reader.readUInt64()
        let second = try reader.readUInt64()
        switch kind {
        case 0: ranges.append(.bounded(start: first, end: second))
        case 1: ranges.append(.from(first))
        case 2: ranges.append(.suffix(first))
        default: throw WireError(.invalidArgument, "unknown kind of range \(kind) (W-43)")
        }
    }

    private mutating func takeCondition(_ reader: inout ByteReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 0: condition = .overwrite
        case 1: condition = .createOnly
        case 2: condition = .ifMatch(etag: try reader.readText())
        default: throw WireError(.invalidArgument, "unknown write condition")
        }
    }

    private mutating func takeUserMetadata(_ reader: inout ByteReader) throws(WireError) {
        userMetadataByteCount += reader.remainingByteCount - 2
        // W-45
        guard userMetadataByteCount <= Self.maximumUserMetadataByteCount else {
            throw WireError(.invalidArgument, "user metadata is longer than 2 KiB (W-45)")
        }
        let (name, value) = try reader.readPair()
        guard userMetadata.updateValue(value, forKey: name) == nil else {
            throw WireError(.invalidArgument, "user metadata '\(name)' comes twice (W-46)")
        }
    }
}
