public import BlobCore

extension BlobResponse {
    /// The payload of the RESPONSE frame (rule W-62).
    ///
    /// - Throws: `tooLarge` when a field is longer than 64 KiB.
    public func encodedPayload() throws(BlobError) -> Bytes {
        var writer = ByteWriter(capacity: 192)
        if case .failure(let error) = self {
            writer.write(error: error)
            return try writer.finish()
        }
        writer.write(UInt16(0))
        writer.write(UInt16(0))
        switch self {
        case .failure, .done, .records: break
        case .metadata(let metadata, let ranges):
            writer.write(metadata)
            for range in ranges {
                writer.write(field: .resolvedRange) { (writer: inout ByteWriter) in
                    writer.write(range.lowerBound)
                    writer.write(range.upperBound)
                }
            }
        case .written(let result):
            writer.write(field: .byteCount, result.byteCount)
            writer.write(field: .etag, result.etag)
            if let version = result.version { writer.write(field: .version, version) }
            if let digest = result.sha256 { writer.write(field: .sha256, digest) }
        case .deleted(let result): writer.write(existed: result.existed)
        case .page(let token):
            if let token { writer.write(field: .pageToken, token) }
        case .upload(let upload):
            writer.write(field: .uri, upload.uri.description)
            writer.write(field: .uploadID, upload.uploadID)
        case .part(let part): writer.write(part)
        case .url(let url): writer.write(url)
        case .parts(let next):
            if let next { writer.write(field: .partNumber, next) }
        case .capabilities(let capabilities): writer.write(capabilities)
        case .info(let info): writer.write(info)
        case .listener(let path): writer.write(field: .socketPath, path)
        }
        return try writer.finish()
    }
}

extension ByteWriter {
    /// Status, retry class, origin, then the fields of an error.
    mutating func write(error: BlobError) {
        write(error.code.rawValue)
        write(error.retry.rawValue)
        write(error.origin.rawValue)
        write(field: .message, error.message.truncated(toByteCount: 2048))
        if let uri = error.uri {
            write(field: .uri, uri.truncated(toByteCount: BlobURI.maximumByteCount))
        }
        if let delay = error.retryAfter {
            write(field: .retryAfter, delay.wireMilliseconds)
        }
        if let byteCount = error.objectByteCount { write(field: .objectByteCount, byteCount) }
    }

    mutating func write(existed: Bool?) {
        guard let existed else { return }
        write(field: .existed) { (writer: inout ByteWriter) in
            writer.write(UInt8(existed ? 1 : 0))
        }
    }

    mutating func write(_ part: UploadedPart) {
        write(field: .partNumber, part.partNumber)
        if let etag = part.etag { write(field: .etag, etag) }
        if let byteCount = part.byteCount { write(field: .byteCount, byteCount) }
    }

    mutating func write(_ url: PresignedURL) {
        write(field: .url, url.url)
        write(field: .method, url.method)
        for (name, value) in url.headers.sorted(by: { $0.key < $1.key }) {
            write(field: .httpHeader, name: name, value: value)
        }
        if let expiry = url.expiresAt {
            write(field: .expiresAt, UInt64(bitPattern: expiry.milliseconds))
        }
    }

    fileprivate mutating func write(_ metadata: BlobMetadata) {
        write(field: .byteCount, metadata.byteCount)
        write(field: .etag, metadata.etag)
        write(field: .lastModified, UInt64(bitPattern: metadata.lastModified.milliseconds))
        if let type = metadata.contentType { write(field: .contentType, type) }
        for (name, value) in metadata.userMetadata.sorted(by: { $0.key < $1.key }) {
            write(field: .userMetadata, name: name, value: value)
        }
        if let version = metadata.version { write(field: .version, version) }
    }

    fileprivate mutating func write(_ capabilities: Capabilities) {
        write(field: .operations) { (writer: inout ByteWriter) in
            for operation in capabilities.operations.map(\.rawValue).sorted() {
                writer.write(operation)
            }
        }
        write(field: .features, capabilities.features.rawValue)
        write(field: .storeLimits) { (writer: inout ByteWriter) in
            writer.write(capabilities.limits.maximumBlobByteCount)
            writer.write(capabilities.limits.maximumPartByteCount)
            writer.write(capabilities.limits.minimumPartByteCount)
            writer.write(capabilities.limits.maximumPartCount)
            writer.write(capabilities.limits.maximumPresignSeconds ?? 0)
        }
    }

    fileprivate mutating func write(_ info: ServerInfo) {
        write(field: .agentName, info.serverName)
        write(field: .instanceID, info.instanceID)
        write(field: .uptimeSeconds, info.uptimeSeconds)
        for scheme in info.schemes { write(field: .scheme, scheme) }
        for mount in info.mounts { write(field: .mount, mount) }
        for (name, value) in info.counters.sorted(by: { $0.key < $1.key }) {
            write(field: .counter) { (writer: inout ByteWriter) in
                writer.write(value)
                writer.write(name)
            }
        }
    }
}

extension String {
    /// At most `byteCount` bytes of UTF-8, cut at a character.
    func truncated(toByteCount byteCount: Int) -> String {
        guard utf8.count > byteCount else { return self }
        var result = ""
        var used = 0
        for character in self {
            used += character.utf8.count
            if used > byteCount { break }
            result.append(character)
        }
        return result
    }
}
