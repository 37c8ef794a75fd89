public import BlobCore
public import Testing

/// Where a behaviour runs: a store, a fresh place in it, and what the store says it can do.
public struct BehaviourContext: Sendable {
    /// The store under test.
    public let store: any BlobStore
    /// A prefix that no other test uses. Its key ends without a slash.
    public let base: BlobURI
    /// What the store declares for that place.
    public let capabilities: Capabilities
    /// How often a race is run whose window can be small.
    public let raceCount: Int
    /// Whether the service takes backslashes for slashes and resolves segments of dots, so that the
    /// store refuses keys with them: it would be another blob.
    public let refusesRewrittenKeys: Bool

    /// A context from its parts.
    public init(
        store: any BlobStore, base: BlobURI, capabilities: Capabilities, raceCount: Int = 20,
        refusesRewrittenKeys: Bool = false
    ) {
        self.store = store
        self.base = base
        self.capabilities = capabilities
        self.raceCount = raceCount
        self.refusesRewrittenKeys = refusesRewrittenKeys
    }

    /// A context that asks the store for its capabilities.
    public init(
        store: any BlobStore, base: BlobURI, raceCount: Int = 20,
        refusesRewrittenKeys: Bool = false
    ) async throws {
        self.init(
            store: store, base: base,
            capabilities: try await store.capabilities(of: base, options: CallOptions()),
            raceCount: raceCount, refusesRewrittenKeys: refusesRewrittenKeys)
    }

    /// The blob `key` below the base.
    public func uri(_ key: String) -> BlobURI {
        base.replacingKey(base.key.isEmpty ? key : base.key + "/" + key)
    }

    /// Whether the store declares `feature`.
    public func has(_ feature: Capabilities.Features) -> Bool {
        capabilities.features.contains(feature)
    }

    /// Whether the store declares `operation`.
    public func has(_ operation: BlobOperation) -> Bool {
        capabilities.operations.contains(operation)
    }
}

/// One thing that every store does, in process or through a socket.
///
/// A suite runs the whole list: `@Test(arguments: BlobStoreBehaviour.all)`. Differences between
/// stores are asked of their capabilities, never of their type.
public struct BlobStoreBehaviour: Sendable, CustomTestStringConvertible {
    /// What is expected, with the ids of the rules it proves.
    public let name: String
    /// Checks it.
    public let run: @Sendable (BehaviourContext) async throws -> Void

    /// A behaviour from its parts.
    public init(
        _ name: String, run: @escaping @Sendable (BehaviourContext) async throws -> Void
    ) {
        self.name = name
        self.run = run
    }

    /// The name, for test reports.
    public var testDescription: String { name }

    /// Every behaviour.
    public static let all: [BlobStoreBehaviour] =
        reads + ranges + writes + conditions + concurrency + deletes + lists + copies + presigning
        + multipart + multipartFailures
}
