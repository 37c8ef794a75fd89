internal import Foundation
internal import Synchronization

/// A real S3 server, started once for all tests of this process and ended with it.
///
/// Each test takes a prefix or a bucket of its own. What keeps a server from starting, such as a
/// missing Python, fails the tests that need it.
public final class S3TestServer: Sendable {
    /// Which program.
    public enum Kind: String, Sendable, CaseIterable, Decodable {
        /// A store of its own; its checks are the closest to S3's.
        case seaweedfs
        /// An emulator; it also has the metadata services of instances and containers.
        case ministack
    }

    /// One user's keys.
    public struct Keys: Sendable, Decodable {
        /// The access key.
        public let accessKeyID: String
        /// The secret.
        public let secretAccessKey: String
        /// Only for keys that end.
        public var sessionToken: String?
    }

    /// Where roles are assumed.
    public struct SecurityTokens: Sendable, Decodable {
        /// The service's URL.
        public let endpoint: String
        /// A role for everybody with keys.
        public let roleARN: String
        /// A role for those with a token; SeaweedFS only.
        public let webIdentityRoleARN: String?
    }

    /// Where instances and containers get their keys; ministack only.
    ///
    /// The documents are right but the server does not accept the keys in them.
    public struct InstanceMetadata: Sendable, Decodable {
        /// The service's URL; only the second version is served.
        public let endpoint: String
        /// The path of a container's keys.
        public let containerCredentialsPath: String
    }

    /// What the server says of itself.
    public struct Description: Sendable, Decodable {
        /// Which program.
        public let kind: Kind
        /// The URL, without a path.
        public let endpoint: String
        /// The region to sign for.
        public let region: String
        /// A bucket that is there.
        public let bucket: String
        /// Keys that allow everything.
        public let accessKeyID: String
        /// The secret of these.
        public let secretAccessKey: String
        /// Keys that allow only to read.
        public let readOnly: Keys
        /// Where roles are assumed.
        public let sts: SecurityTokens
        /// Where instances get their keys.
        public let instanceMetadata: InstanceMetadata?
        /// The server's process.
        public let processID: Int32
    }

    /// What the server says of itself.
    public let description: Description
    let calls: ServerCalls

    private static let started = Mutex<[Kind: Task<S3TestServer, any Error>]>([:])

    /// The one server of this kind, started when it is first asked for.
    public static func shared(_ kind: Kind) async throws -> S3TestServer {
        let task = started.withLock { started in
            if let task = started[kind] { return task }
            // Detached: the time limit of the first test must not end the server of the others.
            let task = Task.detached { try await S3TestServer.start(kind) }
            started[kind] = task
            return task
        }
        return try await task.value
    }

    /// A server for the caller alone; end it with `stop()`.
    public static func start(_ kind: Kind) async throws -> S3TestServer {
        let calls = try await ServerCalls.start(kind.rawValue)
        let description = try JSONDecoder().decode(Description.self, from: calls.firstLine)
        return S3TestServer(description: description, calls: calls)
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
}
