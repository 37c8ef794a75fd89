import BlobCore
import Foundation
import Yams

/// The configuration file, as written. Unknown keys are errors: a misspelt limit must not be taken
/// for none.
struct ConfigurationFile: Decodable {
    struct Listener: Decodable {
        var path: String
        var name: String?
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
        var admin: Bool?
        var policy: PolicySection?

        static let keys: Set<String> = [
            "path", "name", "mode", "readOnly", "maximumConnections", "maximumConcurrentCalls",
            "maximumDataBytes", "streamCreditBytes", "connectionCreditBytes", "maximumCallSeconds",
            "sendBufferBytes", "handshakeSeconds", "partialFrameSeconds", "writeStallSeconds",
            "streamProgressSeconds", "idleSeconds", "admin", "policy",
        ]
    }

    var listeners: [Listener]?
    var mounts: [String: String]?
    var roots: [String]?
    var durability: String?
    var logLevel: String?
    var eventLoops: Int?
    var untrustedEventLoops: Int?
    var blockingThreads: Int?
    var drainSeconds: Int64?
    var audit: AuditSection?
    var s3: S3Section?
    var gcs: GCSSection?
    var azure: AzureSection?

    static let keys: Set<String> = [
        "listeners", "mounts", "roots", "durability", "logLevel", "eventLoops",
        "untrustedEventLoops", "blockingThreads",
        "drainSeconds",
    ]

    /// The sections that have keys of their own.
    private static let sections: [String: Set<String>] = [
        "s3": S3Section.keys,
        "gcs": GCSSection.keys,
        "azure": AzureSection.keys,
        "audit": AuditSection.keys,
    ]

    /// An empty configuration: every default.
    init() {}

    /// Reads the file at `path`.
    init(path: String) throws(BlobError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw BlobError(.invalidArgument, "cannot read the configuration file \(path)")
        }
        let text = String(decoding: data, as: UTF8.self)
        self = try Self.decode(text, place: path) { (node) throws(BlobError) in
            try Self.checkKeys(node)
        }
    }

    /// Reads what is written; complaints begin with `place`.
    static func decode<Value: Decodable>(
        _ text: String, place: String, _ checkKeys: (Node?) throws(BlobError) -> Void
    ) throws(BlobError) -> Value {
        do {
            try checkKeys(try Yams.compose(yaml: text))
            return try YAMLDecoder().decode(Value.self, from: text)
        } catch let error as BlobError {
            throw BlobError(error.code, "\(place): \(error.message)")
        } catch let error as DecodingError {
            throw BlobError(.invalidArgument, "\(place): \(Self.text(of: error))")
        } catch {
            throw BlobError(.invalidArgument, "\(place): \(error)")
        }
    }

    private static func checkKeys(_ node: Node?) throws(BlobError) {
        guard let mapping = node?.mapping else { return }
        try check(mapping, keys.union(sections.keys), "")
        for (index, listener) in (mapping["listeners"]?.sequence ?? []).enumerated() {
            guard let listener = listener.mapping else { continue }
            let place = "listeners[\(index)]" + (listener["path"]?.string.map { " (\($0))" } ?? "")
            try checkKeys(ofListener: listener, place)
        }
        for (name, keys) in sections {
            if let mapping = mapping[name]?.mapping { try check(mapping, keys, name) }
        }
    }

    static func checkKeys(
        ofListener listener: Node.Mapping, _ place: String
    ) throws(BlobError) {
        try check(listener, Listener.keys, place)
        if let policy = listener["policy"]?.mapping {
            try PolicySection.checkKeys(policy, "\(place.isEmpty ? "" : "\(place).")policy")
        }
    }

    /// `place` says whose keys they are; empty for those of the file.
    static func check(
        _ mapping: Node.Mapping, _ known: Set<String>, _ place: String
    ) throws(BlobError) {
        for (key, value) in mapping {
            let name = key.string ?? "?"
            guard known.contains(name) else {
                throw BlobError(
                    .invalidArgument,
                    "\(place.isEmpty ? "" : "\(place): ")unknown key '\(name)'; known are "
                        + known.sorted().joined(separator: ", "))
            }
            // A limit whose values are commented out must not be taken for none.
            guard value.null == nil else {
                throw BlobError(
                    .invalidArgument,
                    "\(place.isEmpty ? "" : "\(place): ")the key '\(name)' has no value;"
                        + " give it one or take the key out")
            }
        }
    }

    /// Which key has the wrong type, or is missing.
    private static func text(of error: DecodingError) -> String {
        let (context, missing): (DecodingError.Context, String?) =
            switch error {
            case .keyNotFound(let key, let context): (context, key.stringValue)
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context):
                (context, nil)
            @unknown default: (.init(codingPath: [], debugDescription: "\(error)"), nil)
            }
        let place = context.codingPath.reduce("") { place, key in
            key.intValue.map { "\(place)[\($0)]" }
                ?? (place.isEmpty ? key.stringValue : "\(place).\(key.stringValue)")
        }
        if let missing { return "\(place): the key '\(missing)' is missing" }
        return "\(place): \(context.debugDescription)"
    }
}
