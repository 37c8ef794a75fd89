import BlobCore
import Foundation
import Yams

/// The configuration file, as written. Unknown keys are errors: a misspelt limit must not be taken
/// for none.
struct ConfigurationFile: Decodable {
    struct Listener: Decodable {
        var path: String
        var mode: String?
        var readOnly: Bool?
        var maximumConnections: Int?
        var maximumConcurrentCalls: UInt32?
        var maximumDataBytes: Int?
        var streamCreditBytes: UInt32?
        var connectionCreditBytes: UInt64?
        var maximumCallSeconds: Int64?
        var sendBufferBytes: Int32?
        var handshakeSeconds: Int64?
        var partialFrameSeconds: Int64?
        var writeStallSeconds: Int64?
        var streamProgressSeconds: Int64?
        var idleSeconds: Int64?

        static let keys: Set<String> = [
            "path", "mode", "readOnly", "maximumConnections", "maximumConcurrentCalls",
            "maximumDataBytes", "streamCreditBytes", "connectionCreditBytes", "maximumCallSeconds",
            "sendBufferBytes", "handshakeSeconds", "partialFrameSeconds", "writeStallSeconds",
            "streamProgressSeconds", "idleSeconds",
        ]
    }

    var listeners: [Listener]?
    var mounts: [String: String]?
    var roots: [String]?
    var durability: String?
    var logLevel: String?
    var eventLoops: Int?
    var blockingThreads: Int?
    var drainSeconds: Int64?
    var s3: S3Section?

    static let keys: Set<String> = [
        "listeners", "mounts", "roots", "durability", "logLevel", "eventLoops", "blockingThreads",
        "drainSeconds", "s3",
    ]

    /// An empty configuration: every default.
    init() {}

    /// Reads the file at `path`.
    init(path: String) throws(BlobError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BlobError(.invalidArgument, "cannot read the configuration file \(path)")
        }
        let text = String(decoding: data, as: UTF8.self)
        do {
            try Self.checkKeys(try Yams.compose(yaml: text), path)
            self = try YAMLDecoder().decode(ConfigurationFile.self, from: text)
        } catch let error as BlobError {
            throw error
        } catch {
            throw BlobError(.invalidArgument, "\(path): \(error)")
        }
    }

    private static func checkKeys(_ node: Node?, _ path: String) throws(BlobError) {
        guard let mapping = node?.mapping else { return }
        try check(mapping, keys, "", path)
        for listener in mapping["listeners"]?.sequence ?? [] {
            if let mapping = listener.mapping {
                try check(mapping, Listener.keys, " of a listener", path)
            }
        }
        if let mapping = mapping["s3"]?.mapping {
            try check(mapping, S3Section.keys, " of s3", path)
        }
    }

    private static func check(
        _ mapping: Node.Mapping, _ known: Set<String>, _ place: String, _ path: String
    ) throws(BlobError) {
        for (key, _) in mapping {
            let name = key.string ?? "?"
            guard known.contains(name) else {
                throw BlobError(
                    .invalidArgument,
                    "\(path): unknown key '\(name)'\(place); known are "
                        + known.sorted().joined(separator: ", "))
            }
        }
    }
}
