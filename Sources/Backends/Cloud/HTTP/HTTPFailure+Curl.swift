internal import CCurlShims

extension HTTPFailure {
    /// What a result of libcurl's means. The text is libcurl's fixed one for the code: it names
    /// neither host nor header.
    init(curlCode code: CURLcode, isConnected: Bool, isHeadComplete: Bool) {
        let kind = Self.kind(of: code, isConnected: isConnected, isHeadComplete: isHeadComplete)
        self.init(kind, String(cString: curl_easy_strerror(code)), mayHaveBeenSent: isConnected)
    }

    private static func kind(
        of code: CURLcode, isConnected: Bool, isHeadComplete: Bool
    ) -> Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: .nameNotResolved
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
        case CURLE_COULDNT_CONNECT: .connect
        case CURLE_OPERATION_TIMEDOUT: isConnected ? .stalled : .connect
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            .tls(isCertificate: true)
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED:
            isConnected ? .connectionLost : .tls(isCertificate: false)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_FILESIZE_EXCEEDED:
            .malformedResponse
        // Before the connection stands, a scheme that libcurl does not know; after it, HTTP/0.9.
        case CURLE_UNSUPPORTED_PROTOCOL: isConnected ? .malformedResponse : .engine
        // libcurl says so of a header line beyond its own limit, too.
        case CURLE_OUT_OF_MEMORY: isConnected && !isHeadComplete ? .malformedResponse : .engine
        // The head's own callback refused it.
        case CURLE_WRITE_ERROR: isHeadComplete ? .engine : .malformedResponse
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            .connectionLost
        // While a tunnel is made, that is how the proxy's refusal shows.
        case CURLE_RECV_ERROR: isConnected ? .connectionLost : .connect
        default: .engine
        }
    }
}
