import BlobCore
import BlobRPCServer

/// The `audit` section of the configuration file, as written.
struct AuditSection: Decodable {
    var path: String
    var linesPerSecond: UInt64?

    static let keys: Set<String> = ["path", "linesPerSecond"]

    func open() throws(BlobError) -> AuditLog {
        let destination: AuditLog.Destination =
            path == "stderr" ? .standardError : .file(try Settings.absolute(path))
        return try AuditLog(destination, linesPerSecond: linesPerSecond ?? 1000)
    }
}
