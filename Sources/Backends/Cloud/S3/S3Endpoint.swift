internal import BlobCore

/// Where a bucket is served: what goes before the key in a URL.
struct S3Address: Sendable, Hashable {
    /// `https` or `http`.
    var scheme: String
    /// With the port unless it is the default one, as the signature wants it (S3-05).
    var host: String
    /// Empty, or the bucket's part of the path, percent-encoded, without a slash at the end.
    var path: String

    /// The path of a key, as it goes on the wire and into the signature (S3-01, S3-02).
    func encodedPath(key: String) -> String {
        "\(path)/\(PercentEncoding.path(key))"
    }

    var origin: String { "\(scheme)://\(host)" }
}

/// Turns buckets into addresses.
struct S3Endpoint: Sendable {
    private struct Custom: Sendable {
        var scheme: String
        var host: String
        var path: String
    }

    private let custom: Custom?
    private let addressing: S3Configuration.Addressing

    /// Whether this is Amazon's own service.
    var isAWS: Bool { custom == nil }

    /// Whether bytes travel in the clear; then the payload is part of the signature (S3-05).
    var isPlain: Bool { custom?.scheme == "http" }

    /// What the retry budget is kept by: one outage is one endpoint's.
    var name: String { custom?.host ?? "amazonaws.com" }

    init(_ configuration: S3Configuration) throws(BlobError) {
        addressing = configuration.addressing
        custom =
            if let endpoint = configuration.endpoint { try Self.parse(endpoint) } else { nil }
    }

    /// The address of `bucket` in `region`; of the service itself for an empty bucket.
    ///
    /// - Throws: `invalidURI` for a name that no bucket can have: it would become part of a host.
    func address(bucket: String, region: String) throws(BlobError) -> S3Address {
        guard !bucket.isEmpty else { return service(region: region) }
        guard Self.isBucketName(bucket) else {
            throw BlobError(
                .invalidURI,
                "'\(bucket.prefix(64))' cannot be a bucket: names have 3 to 63 letters, digits,"
                    + " dots and hyphens")
        }
        var address = service(region: region)
        if usesHost(for: bucket) {
            address.host = "\(bucket).\(address.host)"
        } else {
            address.path += "/\(bucket)"
        }
        return address
    }

    private func service(region: String) -> S3Address {
        if let custom {
            return S3Address(scheme: custom.scheme, host: custom.host, path: custom.path)
        }
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return S3Address(scheme: "https", host: "s3.\(region).\(domain)", path: "")
    }

    /// S3-06: the certificate's wildcard covers no dots, and custom endpoints have no such names.
    private func usesHost(for bucket: String) -> Bool {
        switch addressing {
        case .path: false
        case .virtualHost: true
        case .automatic:
            isAWS && bucket.utf8.allSatisfy { Self.isLowerAlphanumeric($0) || $0 == 0x2D }
        }
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    /// The letters of old buckets included: upper case and underscores.
    private static func isBucketName(_ name: String) -> Bool {
        (3...255).contains(name.utf8.count) && name != "..."
            && name.utf8.allSatisfy { byte in
                isLowerAlphanumeric(byte) || (0x41...0x5A).contains(byte) || byte == 0x2D
                    || byte == 0x2E || byte == 0x5F
            }
    }

    /// A region becomes part of a host, and it may come from a response.
    static func isRegionName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
    }

    private static func parse(_ text: String) throws(BlobError) -> Custom {
        guard let separator = text.range(ofFirst: "://") else { throw invalid(text) }
        let scheme = text[..<separator.lowerBound].lowercased()
        var rest = text[separator.upperBound...]
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = rest[..<slash].lowercased()
        let defaultPort = scheme == "https" ? ":443" : ":80"
        if host.hasSuffix(defaultPort) { host.removeLast(defaultPort.count) }
        let isHost = host.utf8.allSatisfy { byte in
            isLowerAlphanumeric(byte) || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains(byte)
        }
        guard scheme == "http" || scheme == "https", !host.isEmpty, isHost else {
            throw invalid(text)
        }
        let path = rest[slash...]
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }) else {
            throw invalid(text)
        }
        return Custom(scheme: scheme, host: host, path: String(path))
    }

    private static func invalid(_ text: String) -> BlobError {
        BlobError(
            .invalidArgument,
            "an S3 endpoint is written https://host or http://host:port, without user or query")
    }
}

extension String {
    /// Where `part` first is.
    fileprivate func range(ofFirst part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
