/// How an engine connects.
struct HTTPEngineSettings: Sendable {
    /// A PEM file of the authorities to trust instead of the system's.
    var certificateFile: String?
    /// Requests to one host beyond this many wait for their turn.
    var maximumConnectionCountPerHost = 64
    /// An idle connection older than this is not used again: servers close theirs after a while,
    /// and a request sent into a closing connection fails.
    var idleConnectionLifetime = Duration.seconds(18)
    /// A connection older than this is not used again, so that load spreads over new addresses.
    var connectionLifetime = Duration.seconds(180)
    /// How long the addresses of a name are kept.
    var dnsCacheLifetime = Duration.seconds(30)
    var proxy = HTTPProxySetting.fromEnvironment
    /// Entries for CURLOPT_RESOLVE (`host:port:address`), for tests.
    var nameOverrides: [String] = []

    /// The bundle of Debian and its kin.
    static let systemCertificateFile = "/etc/ssl/certs/ca-certificates.crt"
}
