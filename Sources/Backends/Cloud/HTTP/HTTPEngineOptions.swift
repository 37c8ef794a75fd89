internal import CCurlShims

extension HTTPEngineCore {
    /// The options that are the same for every request.
    func configureOnce(
        _ transfer: UnsafeMutablePointer<ccurl_transfer>,
        nameOverrides: UnsafeMutablePointer<curl_slist>?
    ) -> Bool {
        let certificates =
            settings.certificateFile ?? HTTPEngineSettings.systemCertificateFile
        var options = OptionList(transfer)
        options.set(CURLOPT_NOSIGNAL, 1)
        options.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        // The path goes out as it was signed (S3-02).
        options.set(CURLOPT_PATH_AS_IS, 1)
        // A redirect must not carry the Authorization field to another host (CM-10).
        options.set(CURLOPT_FOLLOWLOCATION, 0)
        options.set(CURLOPT_NETRC, 0)
        options.set(CURLOPT_USERAGENT, "blobrpc/0.1")
        options.set(CURLOPT_TCP_KEEPALIVE, 1)
        options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        options.set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        options.set(CURLOPT_UPLOAD_BUFFERSIZE, 1 << 20)
        options.set(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1)
        options.set(CURLOPT_DNS_CACHE_TIMEOUT, seconds(settings.dnsCacheLifetime))
        options.set(CURLOPT_MAXAGE_CONN, seconds(settings.idleConnectionLifetime))
        options.set(CURLOPT_MAXLIFETIME_CONN, seconds(settings.connectionLifetime))
        // With a certificate directory set, as Debian does, libcurl does not keep the parsed bundle
        // and reads it again for every connection.
        options.clear(CURLOPT_CAPATH)
        options.set(CURLOPT_CAINFO, certificates)
        options.clear(CURLOPT_PROXY_CAPATH)
        options.set(CURLOPT_PROXY_CAINFO, certificates)
        options.set(CURLOPT_SSL_VERIFYPEER, 1)
        options.set(CURLOPT_SSL_VERIFYHOST, 2)
        options.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let nameOverrides { options.set(CURLOPT_RESOLVE, nameOverrides) }
        return options.isAccepted
    }

    /// The options of one request. Every one that an earlier request may have set is set again.
    func configure(
        _ transfer: UnsafeMutablePointer<ccurl_transfer>, for request: PreparedRequest,
        needsNewConnection: Bool = false
    ) -> Bool {
        transfer.pointee.body_byte_count = request.bodyByteCount
        transfer.pointee.is_plain = request.isSecure ? 0 : 1
        transfer.pointee.may_be_replayed = request.mayBeReplayed ? 1 : 0
        var options = OptionList(transfer)
        options.set(CURLOPT_URL, request.url)
        options.set(CURLOPT_FRESH_CONNECT, needsNewConnection ? 1 : 0)
        options.set(CURLOPT_HTTPGET, 1)
        options.clear(CURLOPT_CUSTOMREQUEST)
        if request.hasBody {
            options.set(CURLOPT_UPLOAD, 1)
            options.set(CURLOPT_INFILESIZE_LARGE, bytes: request.bodyByteCount)
            options.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        } else if request.method == .head {
            options.set(CURLOPT_NOBODY, 1)
        } else if request.method != .get {
            options.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        for line in request.headerLines { options.addHeaderLine(line) }
        // A TLS record is 16 KiB: a larger buffer would only be larger.
        options.set(CURLOPT_BUFFERSIZE, request.isSecure ? 64 << 10 : 512 << 10)
        let proxy = request.isSecure ? proxy.secure : proxy.plain
        // Empty text, not none: with none libcurl would look into the environment itself.
        options.set(CURLOPT_PROXY, request.usesProxy ? proxy ?? "" : "")
        options.set(CURLOPT_NOPROXY, self.proxy.exceptions ?? "")
        let connect = max(1, request.timeouts.connect.clampedNanoseconds / 1_000_000)
        options.set(CURLOPT_CONNECTTIMEOUT_MS, Int(min(connect, 86_400_000)))
        return options.isAccepted
    }

    private func seconds(_ duration: Duration) -> Int {
        Int(min(max(1, duration.components.seconds), 86_400))
    }
}

/// Sets options one after the other and remembers whether libcurl took all of them.
private struct OptionList {
    private let transfer: UnsafeMutablePointer<ccurl_transfer>
    private(set) var isAccepted = true

    init(_ transfer: UnsafeMutablePointer<ccurl_transfer>) { self.transfer = transfer }

    mutating func set(_ option: CURLoption, _ value: Int) {
        note(ccurl_set_long(transfer, option, value))
    }

    mutating func set(_ option: CURLoption, _ value: String) {
        note(ccurl_set_text(transfer, option, value))
    }

    mutating func set(_ option: CURLoption, _ list: UnsafeMutablePointer<curl_slist>) {
        note(ccurl_set_list(transfer, option, list))
    }

    mutating func set(_ option: CURLoption, bytes: UInt64) {
        note(ccurl_set_offset(transfer, option, Int64(clamping: bytes)))
    }

    mutating func clear(_ option: CURLoption) { note(ccurl_set_text(transfer, option, nil)) }

    mutating func addHeaderLine(_ line: String) {
        note(ccurl_transfer_add_header_line(transfer, line))
    }

    private mutating func note(_ result: Int32) { isAccepted = isAccepted && result == 0 }
}
