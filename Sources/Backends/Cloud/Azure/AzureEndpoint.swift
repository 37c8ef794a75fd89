internal import BlobCore

/// Where the Blob service of one account is.
struct AzureEndpoint: Sendable, Hashable {
    /// The domain of the public cloud.
    static let publicDomain = "core.windows.net"

    let isSecure: Bool
    /// Scheme and host, as URLs begin; made once, for every signed URL has it.
    let origin: String
    /// With the port unless it is the scheme's own.
    let host: String
    let account: String
    /// "/ACCOUNT" where the host is not the account's own, as with an emulator; else empty.
    let accountPath: String
    /// Whether it never leaves this machine.
    let isLoopback: Bool
    /// Whether tokens may be sent in the clear to an endpoint on loopback; for tests (AZ-14).
    var allowsPlainTokensOnLoopback = false

    /// The account's own host.
    ///
    /// - Parameter domain: Such as "core.chinacloudapi.cn" for another cloud than the public one.
    init(account: String, domain: String = publicDomain) throws(BlobError) {
        // Checked before it becomes part of a host.
        try Self.check(account: account)
        try self.init("https://\(account).blob.\(domain)", account: account)
    }

    /// `https://ACCOUNT.blob.DOMAIN`, `http://127.0.0.1:10000/ACCOUNT`, or a host of the operator's
    /// own, whose account must be given.
    init(_ text: String, account: String? = nil) throws(BlobError) {
        guard let url = ServiceURL(text), url.query == nil else { throw Self.invalid() }
        let inPath = url.path.split(separator: "/")
        guard inPath.count <= 1 else { throw Self.invalid() }
        let inHost = Self.account(ofHost: url.hostName)
        guard let account = account ?? inPath.first.map(String.init) ?? inHost else {
            throw BlobError(
                .invalidArgument,
                "the Azure endpoint does not tell the account; name that, too")
        }
        try Self.check(account: account)
        guard inPath.first.map({ $0 == account }) ?? (inHost.map { $0 == account } ?? true) else {
            throw BlobError(
                .invalidArgument, "the Azure endpoint is of another account than '\(account)'")
        }
        self.account = account
        isSecure = url.isSecure
        host = Self.blobHost(url.host)
        origin = "\(isSecure ? "https" : "http")://\(host)"
        isLoopback = url.isLoopback
        // No name of a host ends with a digit.
        let isAddress =
            url.host.hasPrefix("[") || url.hostName.utf8.last.flatMap(ASCII.digitValue) != nil
        accountPath = inPath.isEmpty && !isAddress && !url.isLoopback ? "" : "/\(account)"
    }

    /// AZ-14: a token is good for every account, so nobody on the way may read it.
    var acceptsTokens: Bool { isSecure || (isLoopback && allowsPlainTokensOnLoopback) }

    /// Whether both are the same place, whatever it may be sent.
    func isSamePlace(as other: AzureEndpoint) -> Bool {
        account == other.account && origin == other.origin && accountPath == other.accountPath
    }

    /// `account.blob.core.windows.net` and the like.
    private static func account(ofHost name: String) -> String? {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 3, labels[1...].contains(where: { $0 == "blob" || $0 == "dfs" }) else {
            return nil
        }
        return String(labels[0])
    }

    /// The Data Lake host serves another protocol; the same blobs are at the other one (AZ-01).
    private static func blobHost(_ host: String) -> String {
        let host = SignedHeaders.lowercased(host)
        var labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard account(ofHost: host) != nil, let index = labels.firstIndex(of: "dfs") else {
            return host
        }
        labels[index] = "blob"
        return labels.joined(separator: ".")
    }

    private static func check(account: String) throws(BlobError) {
        let isName = account.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || ASCII.digitValue(byte) != nil
        }
        guard isName, (3...24).contains(account.utf8.count) else {
            throw BlobError(
                .invalidArgument, "an Azure account has 3 to 24 lower-case letters and digits")
        }
    }

    private static func invalid() -> BlobError {
        BlobError(
            .invalidArgument,
            "an Azure endpoint is written https://account.blob.core.windows.net or"
                + " http://127.0.0.1:10000/account, without user or query")
    }
}
