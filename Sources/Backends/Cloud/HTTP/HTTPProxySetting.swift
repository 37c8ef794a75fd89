internal import Glibc

/// Through which proxy requests go.
enum HTTPProxySetting: Sendable, Hashable {
    /// What the process environment says when the engine starts.
    case fromEnvironment
    /// No proxy at all.
    case none
    /// These values, as if the environment had them.
    case values(HTTPProxyEnvironment)

    var environment: HTTPProxyEnvironment {
        switch self {
        case .fromEnvironment: .ofProcess()
        case .none: HTTPProxyEnvironment()
        case .values(let values): values
        }
    }
}

/// The proxy variables of an environment. A proxy URL may carry a password: never log it.
struct HTTPProxyEnvironment: Sendable, Hashable {
    /// For `https` URLs.
    var secure: String?
    /// For `http` URLs.
    var plain: String?
    /// Hosts and networks that are reached directly, in libcurl's form.
    var exceptions: String?

    /// Reads the environment the way libcurl does. `HTTP_PROXY` in capitals does not count: a web
    /// server may have set it from a request's header.
    static func ofProcess() -> HTTPProxyEnvironment {
        HTTPProxyEnvironment(
            secure: firstValue(of: ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            plain: firstValue(of: ["http_proxy", "all_proxy", "ALL_PROXY"]),
            exceptions: firstValue(of: ["no_proxy", "NO_PROXY"]))
    }

    private static func firstValue(of names: [String]) -> String? {
        for name in names {
            guard let value = getenv(name) else { continue }
            let text = String(cString: value)
            if !text.isEmpty { return text }
        }
        return nil
    }
}
