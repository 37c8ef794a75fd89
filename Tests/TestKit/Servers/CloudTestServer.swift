internal import Foundation
internal import Synchronization

/// A server of our own for a service that nobody else serves, started once for all tests of this
/// process and ended with it. It checks every credential and every signature.
///
/// Each test takes a prefix, a bucket or an identity of its own.
public final class CloudTestServer: Sendable {
    /// Which service.
    public enum Kind: String, Sendable, CaseIterable, Decodable {
        /// Google Cloud Storage: its XML API, and all that gives out credentials.
        case gcs
        /// Azure Blob, and all that gives out tokens.
        case azure
    }

    /// What the server says of itself.
    public struct Description: Sendable, Decodable {
        /// Which service.
        public let kind: Kind
        /// The URL over plain HTTP; Azure's ends with the account's name.
        public let endpoint: String
        /// The same over TLS.
        public let tlsEndpoint: String
        /// A PEM file with the authority behind the certificate of `tlsEndpoint`.
        public let certificateAuthorityFile: String
        /// A bucket, or container, that is there.
        public let bucket: String
        /// What only Google has.
        public let google: Google?
        /// What only Azure has.
        public let azure: Azure?
        /// The server's process.
        public let processID: Int32
    }

    /// What only Google has.
    public struct Google: Sendable, Decodable {
        /// The project of all identities.
        public let project: String
        /// The URL in front of `/v1/projects/-/serviceAccounts/`.
        public let iamEndpoint: String
        /// May do everything with objects, and sign for itself.
        public let admin: GoogleIdentity
        /// May only read and list.
        public let reader: GoogleIdentity
    }

    /// What only Azure has.
    public struct Azure: Sendable, Decodable {
        /// The account's name.
        public let account: String
        /// Its key, as Azure shows it.
        public let accountKey: String
        /// May do everything with blobs.
        public let admin: AzurePrincipal
        /// May only read and list.
        public let reader: AzurePrincipal
    }

    /// What the server says of itself.
    public let description: Description
    private let calls: ServerCalls

    private static let started = Mutex<[Kind: Task<CloudTestServer, any Error>]>([:])

    /// The one server of this kind, started when it is first asked for.
    public static func shared(_ kind: Kind) async throws -> CloudTestServer {
        let task = started.withLock { started in
            if let task = started[kind] { return task }
            // Detached: the time limit of the first test must not end the server of the others.
            let task = Task.detached { try await CloudTestServer.start(kind) }
            started[kind] = task
            return task
        }
        return try await task.value
    }

    /// A server for the caller alone; end it with `stop()`.
    public static func start(_ kind: Kind) async throws -> CloudTestServer {
        let calls = try await ServerCalls.start(kind.rawValue)
        let description = try JSONDecoder().decode(Description.self, from: calls.firstLine)
        return CloudTestServer(description: description, calls: calls)
    }

    private init(description: Description, calls: ServerCalls) {
        self.description = description
        self.calls = calls
    }

    /// Ends the server and waits for it; not for a shared one.
    public func stop() {
        calls.stop()
    }

    /// A prefix of keys that no other test uses, without a slash at its end.
    public func freshPrefix() -> String {
        "test-\(UUID().uuidString.lowercased())"
    }

    /// A call by its name in the oracle's own description.
    public func call<Answer: Decodable & Sendable>(
        _ operation: String, _ parameters: [String: JSONValue] = [:], as type: Answer.Type
    ) async throws -> Answer {
        try await calls.call(operation, parameters, as: type)
    }

    /// A call whose answer says nothing.
    public func call(_ operation: String, _ parameters: [String: JSONValue] = [:]) async throws {
        struct Ignored: Decodable, Sendable {}
        _ = try await calls.call(operation, parameters, as: Ignored.self)
    }
}
