import Foundation
import Testing

@testable import Backends
@testable import CloudBackends

/// One signed URL of Google's conformance tests.
struct GoogleURLVector: Decodable, Sendable, CustomTestStringConvertible {
    var description: String
    var bucket: String
    var object: String?
    var method: String
    var expiration: UInt32
    var timestamp: String
    var headers: [String: String]?
    var queryParameters: [String: String]?
    var scheme: String?
    var urlStyle: String?
    var bucketBoundHostname: String?
    // The next four are in Google's repository only.
    var hostname: String?
    var clientEndpoint: String?
    var emulatorHostname: String?
    var universeDomain: String?
    var expectedUrl: String
    var expectedCanonicalRequest: String?
    var expectedStringToSign: String?

    var testDescription: String { description }

    /// - Parameter encode: false for the path as Google's client takes it in its tests.
    func request(encode: Bool = true) -> GoogleV4Request {
        var (scheme, host) = (scheme ?? "https", "storage.\(universeDomain ?? "googleapis.com")")
        var port = ""
        if let endpoint = hostname ?? clientEndpoint ?? emulatorHostname {
            let parts = endpoint.split(separator: "://")
            if parts.count == 2 { scheme = String(parts[0]) }
            host = String(parts[parts.count - 1].prefix { $0 != ":" })
            // These vectors sign the host without any port, other than the client that is in use.
            port = String(parts[parts.count - 1].dropFirst(host.count))
        }
        var path = "/\(bucket)"
        if urlStyle == "VIRTUAL_HOSTED_STYLE" { (host, path) = ("\(bucket).\(host)", "") }
        if let bucketBoundHostname { (host, path) = (bucketBoundHostname, "") }
        if let object { path += "/" + (encode ? PercentEncoding.path(object) : object) }
        return GoogleV4Request(
            method: method, origin: "\(scheme)://\(host)\(port)", host: host,
            encodedPath: path.isEmpty ? "/" : path,
            query: (queryParameters ?? [:]).map { ($0.key, $0.value) },
            headers: (headers ?? [:]).map { ($0.key, $0.value) })
    }
}

/// One signed form of Google's conformance tests.
struct GooglePolicyVector: Decodable, Sendable, CustomTestStringConvertible {
    struct Input: Decodable, Sendable {
        struct Conditions: Decodable, Sendable {
            var startsWith: [String]?
            var contentLengthRange: [Int]?
        }

        var bucket: String
        var object: String
        var expiration: Int64
        var timestamp: String
        var conditions: Conditions?
        var fields: [String: String]?
    }

    struct Output: Decodable, Sendable {
        var fields: [String: String]
        var expectedDecodedPolicy: String
    }

    var description: String
    var policyInput: Input
    var policyOutput: Output

    var testDescription: String { description }
}

struct GoogleConformance: Decodable, Sendable {
    var signingV4Tests: [GoogleURLVector]
    var postPolicyV4Tests: [GooglePolicyVector]
}

/// One URL that Google's client signed.
struct GoogleClientVector: Decodable, Sendable {
    var method: String
    var style: String
    var endpoint: String
    var bucket: String
    var key: String
    var query: [VectorPair]
    var headers: [VectorPair]
    var responseType: String?
    var responseDisposition: String?
    var email: String
    var seconds: Int64
    var validSeconds: UInt32
    var url: String

    var request: GoogleV4Request {
        let parts = endpoint.split(separator: "://")
        var host = String(parts[1])
        if style == "virtualHost" { host = "\(bucket).\(host)" }
        let name = PercentEncoding.path(key)
        var query = query.pairs
        if let responseType { query.append(("response-content-type", responseType)) }
        if let responseDisposition {
            query.append(("response-content-disposition", responseDisposition))
        }
        return GoogleV4Request(
            method: method, origin: "\(parts[0])://\(host)", host: host,
            encodedPath: style == "path" ? "/\(bucket)/\(name)" : "/\(name)", query: query,
            headers: headers.pairs)
    }
}

enum GoogleSigningVectors {
    struct Account: Decodable, Sendable {
        var client_email: String
        var private_key: String
    }

    private static let folder = SigningVectors.folder("GoogleV4")
    static let account: Account? = SigningVectors.decode(
        folder.appending(path: "url_signer_v4_test_account.json"))
    /// The address in Google's own repository, before the account was renamed in the client's.
    static let formerEmail = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"

    static let conformance = file(folder.appending(path: "url_signer_v4_test_data.json"))

    /// `storage/v1/v4_signatures.json` of googleapis/conformance-tests, where
    /// `GOOGLE_CONFORMANCE_TESTS` says it is.
    static let original = ProcessInfo.processInfo.environment["GOOGLE_CONFORMANCE_TESTS"]
        .map { file(URL(filePath: $0)) }

    static let client: [GoogleClientVector] = {
        let path = ProcessInfo.processInfo.environment["GOOGLE_SIGNING_VECTORS"]
        let file = path.map { URL(filePath: $0) } ?? folder.appending(path: "sdk.json")
        return SigningVectors.decode(file) ?? []
    }()

    private static func file(_ file: URL) -> GoogleConformance {
        SigningVectors.decode(file)
            ?? GoogleConformance(signingV4Tests: [], postPolicyV4Tests: [])
    }
}
