import Foundation
import Testing

@testable import Backends
@testable import CloudBackends

/// A pair of name and value, written as an array of two in the files.
struct VectorPair: Decodable, Sendable {
    var name: String
    var value: String

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        name = try container.decode(String.self)
        value = try container.decode(String.self)
    }
}

/// One case of the AWS test suite.
struct SuiteVector: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var method: String
    var path: String
    var query: [VectorPair]
    var headers: [VectorPair]
    var body: String
    var sessionToken: String?
    var authorization: String

    var testDescription: String { name }
}

/// One request that botocore signed.
struct BotocoreVector: Decodable, Sendable {
    var kind: String
    var method: String
    var scheme: String
    var host: String
    var prefix: String
    var key: String
    var query: [VectorPair]
    var headers: [VectorPair]
    var body: String?
    var accessKeyID: String
    var secretAccessKey: String
    var sessionToken: String?
    var region: String
    var seconds: Int64
    var validSeconds: UInt32
    var partNumber: UInt32
    var path: String
    var authorization: String?
    var payloadHash: String?
    var signature: String?
}

enum SigningVectors {
    static let suite: [SuiteVector] = load("SigV4/aws-suite")

    /// The generated file, or the one that `SIGNING_VECTORS` names, for runs with many more.
    static func botocore() -> [BotocoreVector] {
        if let path = ProcessInfo.processInfo.environment["SIGNING_VECTORS"] {
            return decode(URL(filePath: path)) ?? []
        }
        return load("SigV4/botocore")
    }

    /// A folder of `Tests/Data`.
    static func folder(_ name: String) -> URL {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder.appending(path: "Data/\(name)")
    }

    /// - Parameter name: The file's path in `Tests/Data`, without its extension.
    static func file(_ name: String) -> URL { folder("\(name).json") }

    /// Nil, and a failure of the test, when there is no such file.
    static func decode<Content: Decodable>(_ file: URL) -> Content? {
        do {
            return try JSONDecoder().decode(Content.self, from: Data(contentsOf: file))
        } catch {
            Issue.record("cannot read \(file.path): \(error)")
            return nil
        }
    }

    private static func load<Vector: Decodable>(_ name: String) -> [Vector] {
        decode(file(name)) ?? []
    }
}

extension [VectorPair] {
    var pairs: [(name: String, value: String)] { map { ($0.name, $0.value) } }
}
