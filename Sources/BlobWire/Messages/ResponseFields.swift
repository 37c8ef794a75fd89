internal import BlobCore

/// The fields of a response or record as received. Unknown ones are passed over: they can only
/// add to what is known; a server must not send unknown critical ones (rule W-47).
struct ResponseFields {
    var message = ""
    var uri: String?
    var retryAfterMilliseconds: UInt32?
    var objectByteCount: UInt64?
    var byteCount: UInt64?
    var etag: String?
    var lastModified: Timestamp?
    var contentType: String?
    var userMetadata: [String: String] = [:]
    var version: String?
    var ranges: [Range<UInt64>] = []
    var sha256: [UInt8]?
    var existed: Bool?
    var pageToken: String?
    var uploadID: String?
    var partNumber: UInt32?
    var url: String?
    var method: String?
    var httpHeaders: [String: String] = [:]
    var expiresAt: Timestamp?
    var operations: Set<BlobOperation> = []
    var features: UInt64 = 0
    var limits: Capabilities.Limits?
    var socketPath: String?
    var connectionCount: UInt32?
    var policy = ""
    var isAdded = false
    var leaseSeconds: UInt32?
    var endsWithCaller = false
    var isAborted = false
    var info = ServerInfo(
        serverName: "", instanceID: "", uptimeSeconds: 0, schemes: [], mounts: [], counters: [:])

    init(_ reader: inout ByteReader) throws(WireError) {
        while !reader.isAtEnd {
            var field = try Field(&reader)
            guard try take(&field) || !field.isCritical else {
                throw WireError(.badFrame, "a response has an unknown critical field (W-47)")
            }
        }
    }

    /// Takes a field that has to be used up when it is known.
    private mutating func take(_ field: inout Field) throws(WireError) -> Bool {
        guard try take(&field.value, field.tag) else { return false }
        try field.value.requireEnd()
        return true
    }

    /// - Returns: Whether the field is known.
    private mutating func take(
        _ value: inout ByteReader, _ tag: FieldTag
    ) throws(WireError) -> Bool {
        switch tag {
        case .message: message = try value.readText()
        case .uri: uri = try value.readText()
        case .retryAfter: retryAfterMilliseconds = try value.readUInt32()
        case .objectByteCount: objectByteCount = try value.readByteCount()
        case .byteCount: byteCount = try value.readByteCount()
        case .etag: etag = try value.readText()
        case .lastModified: lastModified = try value.readTimestamp()
        case .contentType: contentType = try value.readText()
        case .userMetadata:
            let (name, text) = try value.readPair()
            userMetadata[name] = text
        case .version: version = try value.readText()
        case .resolvedRange: ranges.append(try value.readResolvedRange())
        case .sha256: sha256 = try value.readDigest()
        case .existed: existed = try value.readUInt8() != 0
        case .pageToken: pageToken = try value.readText()
        case .uploadID: uploadID = try value.readText()
        case .partNumber: partNumber = try value.readUInt32()
        case .url: url = try value.readText()
        case .method: method = try value.readText()
        case .httpHeader:
            let (name, text) = try value.readPair()
            httpHeaders[name] = text
        case .expiresAt: expiresAt = try value.readTimestamp()
        default:
            if try takeListener(&value, tag) { return true }
            return try takeDescription(&value, tag)
        }
        return true
    }

    private mutating func takeListener(
        _ value: inout ByteReader, _ tag: FieldTag
    ) throws(WireError) -> Bool {
        switch tag {
        case .socketPath: socketPath = try value.readText()
        case .connectionCount: connectionCount = try value.readUInt32()
        case .policy: policy = try value.readText()
        case .added: isAdded = true
        case .leaseSeconds: leaseSeconds = try value.readUInt32()
        case .endsWithCaller: endsWithCaller = true
        case .aborted: isAborted = true
        default: return false
        }
        return true
    }

    private mutating func takeDescription(
        _ value: inout ByteReader, _ tag: FieldTag
    ) throws(WireError) -> Bool {
        switch tag {
        case .operations:
            while !value.isAtEnd {
                // A newer server may have operations this build has no name for.
                if let operation = BlobOperation(rawValue: try value.readUInt16()) {
                    operations.insert(operation)
                }
            }
        case .features: features = try value.readUInt64()
        case .storeLimits: limits = try value.readStoreLimits()
        case .agentName: info.serverName = try value.readText()
        case .instanceID: info.instanceID = try value.readText()
        case .uptimeSeconds: info.uptimeSeconds = try value.readUInt64()
        case .scheme: info.schemes.append(try value.readText())
        case .mount: info.mounts.append(try value.readText())
        case .counter:
            let count = try value.readUInt64()
            info.counters[try value.readText()] = count
        default: return false
        }
        return true
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    fileprivate mutating func readTimestamp() throws(WireError) -> Timestamp {
        Timestamp(milliseconds: Int64(bitPattern: try readUInt64()))
    }

    @_lifetime(self: copy self)
    fileprivate mutating func readResolvedRange() throws(WireError) -> Range<UInt64> {
        let start = try readByteCount()
        let end = try readByteCount()
        guard start <= end else {
            throw WireError(.badFrame, "a delivered range ends before it starts (W-62)")
        }
        return start..<end
    }

    @_lifetime(self: copy self)
    fileprivate mutating func readStoreLimits() throws(WireError) -> Capabilities.Limits {
        let blob = try readUInt64()
        let largestPart = try readUInt64()
        let smallestPart = try readUInt64()
        let partCount = try readUInt32()
        let presignSeconds = try readUInt32()
        return Capabilities.Limits(
            maximumBlobByteCount: blob, maximumPartByteCount: largestPart,
            minimumPartByteCount: smallestPart, maximumPartCount: partCount,
            maximumPresignSeconds: presignSeconds == 0 ? nil : presignSeconds)
    }
}
