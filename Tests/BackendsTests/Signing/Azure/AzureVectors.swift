import BlobCore
import Foundation
import Testing

@testable import Backends
@testable import CloudBackends

/// Signatures of Microsoft's client.
struct AzureVectors: Decodable {
    struct Signature: Decodable {
        var account: String
        var container: String
        /// Empty for a signature of the container.
        var blob: String
        var permissions: String
        var start: String
        var expiry: String
        var scheme: String
        var key: String
        var overrides: [String]
        /// The properties of the delegation key, in the order in which they are signed.
        var delegation: [String]?
        /// Of the query, sorted by name and decoded.
        var parameters: [VectorPair]
    }

    struct Request: Decodable {
        var method: String
        var account: String
        var key: String
        var path: String
        var query: [VectorPair]
        var headers: [VectorPair]
        var contentByteCount: UInt64
        var authorization: String
    }

    var signatures: [Signature]
    var requests: [Request]

    /// The generated file, or the one that `AZURE_SIGNING_VECTORS` names, for runs with many more.
    static func load() throws -> AzureVectors {
        if let path = ProcessInfo.processInfo.environment["AZURE_SIGNING_VECTORS"] {
            let data = try Data(contentsOf: URL(filePath: path))
            return try JSONDecoder().decode(AzureVectors.self, from: data)
        }
        return try JSONDecoder().decode(
            AzureVectors.self,
            from: Data(contentsOf: SigningVectors.file("AzureSAS/signatures")))
    }
}

extension AzureVectors.Signature {
    var grantor: AzureGrantor {
        get throws {
            guard let delegation else {
                return .account(
                    AzureSharedKey(account: account, key: try AzureSigningKey(base64: key)))
            }
            return .user(try AzureFixture.delegationKey(delegation, value: key))
        }
    }

    func sharedAccessSignature() throws -> AzureSharedAccessSignature {
        let endpoint = try AzureEndpoint("\(scheme)://\(account).blob.core.windows.net")
        // Unchecked: that client signs names as they are, also those that the service would take for
        // others and the backend refuses. This is about the signer alone.
        let name = AzureBlobName(container: container, key: blob)
        return AzureSharedAccessSignature(
            resource: endpoint.resource(name), permissions: AzureFixture.permissions(permissions),
            start: Timestamp(iso8601: start),
            expiry: try #require(Timestamp(iso8601: expiry)),
            overrides: AzureResponseOverrides(
                cacheControl: overrides[0], contentDisposition: overrides[1],
                contentEncoding: overrides[2], contentLanguage: overrides[3],
                contentType: overrides[4]))
    }
}

/// What tests of Azure make often.
enum AzureFixture {
    static func permissions(_ letters: String) -> AzurePermissions {
        let known: [Character: AzurePermissions] = [
            "r": .read, "c": .create, "w": .write, "d": .delete, "l": .list,
        ]
        return AzurePermissions(letters.compactMap { known[$0] })
    }

    /// - Parameter properties: skoid, sktid, skt, ske, sks and skv.
    static func delegationDocument(_ properties: [String], value: String) -> Bytes {
        let names = [
            "SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService",
            "SignedVersion", "Value",
        ]
        let elements = zip(names, properties + [value]).map { "<\($0)>\($1)</\($0)>" }
        return Bytes(
            utf8: "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>"
                + elements.joined() + "</UserDelegationKey>")
    }

    static func delegationKey(_ properties: [String], value: String) throws -> AzureDelegationKey {
        try #require(
            AzureDelegationKey(parsing: delegationDocument(properties, value: value)))
    }

    /// The parameters of a query, decoded and sorted by name.
    static func parameters(_ query: String) throws -> [[String]] {
        try query.split(separator: "&").map { pair in
            let name = pair.prefix { $0 != "=" }
            // A plus would be a blank to the service (AZ-03).
            #expect(!pair.contains("+"))
            let value = String(pair.dropFirst(name.count + 1)).removingPercentEncoding
            return [String(name), try #require(value)]
        }.sorted { $0[0] < $1[0] }
    }
}
