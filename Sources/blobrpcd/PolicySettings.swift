import BlobCore
import BlobRPCServer
import Yams

/// The `policy` section of a listener, as written.
struct PolicySection: Decodable {
    struct Grant: Decodable {
        var prefix: String
        var operations: [String]

        static let keys: Set<String> = ["prefix", "operations"]
    }

    struct Presign: Decodable {
        var maximumSeconds: UInt32
        var methods: [String]

        static let keys: Set<String> = ["maximumSeconds", "methods"]
    }

    var trust: String?
    var mounts: [String]?
    var grants: [Grant]?
    var presign: Presign?
    var maximumBlobBytes: UInt64?
    var connectionsPerSecond: UInt64?
    var connectionBurst: UInt64?
    var callsPerSecond: UInt64?
    var callBurst: UInt64?
    var bytesPerSecond: UInt64?
    var byteBurst: UInt64?
    var maximumCalls: Int?
    var memoryBytes: Int?
    var maximumUploads: Int?
    var users: [UInt32]?
    var groups: [UInt32]?
    var backendDetails: Bool?
    var abortUploads: Bool?

    static let keys: Set<String> = [
        "trust", "mounts", "grants", "presign", "maximumBlobBytes", "connectionsPerSecond",
        "connectionBurst", "callsPerSecond", "callBurst",
        "bytesPerSecond", "byteBurst", "maximumCalls", "memoryBytes", "maximumUploads", "users",
        "groups", "backendDetails", "abortUploads",
    ]

    /// Checks the keys of the section and of what lies in it; `place` names the listener.
    static func checkKeys(_ mapping: Node.Mapping, _ place: String) throws(BlobError) {
        try ConfigurationFile.check(mapping, keys, place)
        for (index, grant) in (mapping["grants"]?.sequence ?? []).enumerated() {
            guard let grant = grant.mapping else { continue }
            try ConfigurationFile.check(grant, Grant.keys, "\(place).grants[\(index)]")
        }
        if let presign = mapping["presign"]?.mapping {
            try ConfigurationFile.check(presign, Presign.keys, "\(place).presign")
        }
    }
}

/// Turns a section into a policy; complaints name the listener and the key.
struct PolicySettings {
    let section: PolicySection
    /// Names the listener.
    let place: String
    let mountNames: Set<String>

    /// Whether the socket is for peers that may be hostile.
    func isUntrusted() throws(BlobError) -> Bool {
        switch section.trust {
        case nil, "trusted": false
        case "untrusted": true
        case let other?: throw complaint("trust", "'\(other)' is none; use trusted or untrusted")
        }
    }

    /// Changes `policy`, which has the values of the trust.
    func apply(to policy: inout ListenerPolicy) throws(BlobError) {
        if let scope = try scope() { policy.scope = scope }
        guard policy.scope != .granted([]) || policy.administersListeners else {
            throw complaint(
                "grants", "an untrusted socket may use nothing by itself; give grants or mounts")
        }
        if let presign = section.presign { policy.presign = try self.presign(presign) }
        policy.maximumBlobByteCount = section.maximumBlobBytes
        if policy.maximumBlobByteCount != nil, section.presign != nil,
            policy.presign.operations.contains(.presignPut)
        {
            throw complaint(
                "presign.methods",
                "what is sent to a signed PUT cannot be measured; leave out PUT"
                    + " or maximumBlobBytes")
        }
        if section.connectionsPerSecond != nil || section.connectionBurst != nil {
            policy.connectionRate = try rate(
                section.connectionsPerSecond, section.connectionBurst, "connectionBurst")
        }
        policy.callRate = try rate(section.callsPerSecond, section.callBurst, "callBurst")
        policy.byteRate = try rate(section.bytesPerSecond, section.byteBurst, "byteBurst")
        if let count = section.maximumCalls {
            policy.maximumCallCount = try positive(count, "maximumCalls")
        }
        if let byteCount = section.memoryBytes {
            guard byteCount >= 4 << 20 else {
                throw complaint("memoryBytes", "less than 4 MiB do not serve a connection")
            }
            policy.memoryByteCount = byteCount
        }
        if let count = section.maximumUploads {
            policy.maximumUploadCount = try positive(count, "maximumUploads")
        }
        policy.userIDs = section.users.map { Set($0) }
        policy.groupIDs = section.groups.map { Set($0) }
        if let tells = section.backendDetails { policy.tellsBackendDetails = tells }
        if let aborts = section.abortUploads { policy.abortsUploadsOnRemoval = aborts }
    }

    private func scope() throws(BlobError) -> ListenerPolicy.Scope? {
        guard section.mounts == nil || section.grants == nil else {
            throw complaint("mounts", "give mounts or grants, not both")
        }
        if let mounts = section.mounts {
            for mount in mounts { try checkMount(mount, "mounts") }
            return .mounts(mounts)
        }
        guard let grants = section.grants else { return nil }
        var checked: [PolicyGrant] = []
        for (index, grant) in grants.enumerated() {
            checked.append(try self.grant(grant, "grants[\(index)]"))
        }
        return .granted(checked)
    }

    private func grant(
        _ grant: PolicySection.Grant, _ key: String
    ) throws(BlobError) -> PolicyGrant {
        let prefix: BlobURI
        do {
            prefix = try BlobURI(parsingPrefix: grant.prefix)
        } catch {
            throw complaint("\(key).prefix", error.message)
        }
        if prefix.scheme == .blob { try checkMount(prefix.container, "\(key).prefix") }
        var operations: Set<BlobOperation> = []
        for name in grant.operations {
            guard let named = Self.operations(named: name) else {
                throw complaint(
                    "\(key).operations",
                    "'\(name)' is none; use read, write, delete, presign, all or an operation's name"
                )
            }
            operations.formUnion(named)
        }
        guard !operations.isEmpty else { throw complaint("\(key).operations", "it grants nothing") }
        return PolicyGrant(operations, on: prefix)
    }

    private static func operations(named name: String) -> Set<BlobOperation>? {
        switch name {
        case "read": PolicyGrant.reading
        case "write": PolicyGrant.writing
        case "delete": PolicyGrant.deleting
        case "presign": PolicyGrant.signing
        case "all": BlobOperation.ofBlobs
        default: BlobOperation.ofBlobs.first { "\($0)" == name }.map { [$0] }
        }
    }

    private func checkMount(_ name: String, _ key: String) throws(BlobError) {
        guard mountNames.contains(name) else {
            throw complaint(key, "there is no mount '\(name)' in this file")
        }
    }

    private func presign(
        _ presign: PolicySection.Presign
    ) throws(BlobError) -> PresignPolicy {
        guard (1...PresignOptions.maximumSeconds).contains(presign.maximumSeconds) else {
            throw complaint(
                "presign.maximumSeconds", "a URL is valid for 1 to \(PresignOptions.maximumSeconds)"
            )
        }
        var operations: Set<BlobOperation> = []
        for name in presign.methods {
            if name == "parts" {
                operations.insert(.presignUploadParts)
            } else if let method = PresignMethod(rawValue: name) {
                operations.insert(method.operation)
            } else {
                throw complaint(
                    "presign.methods", "'\(name)' is none; use GET, PUT, HEAD, DELETE or parts")
            }
        }
        return PresignPolicy(operations, maximumSeconds: presign.maximumSeconds)
    }

    private func rate(
        _ perSecond: UInt64?, _ burst: UInt64?, _ burstKey: String
    ) throws(BlobError) -> RateLimit? {
        guard let perSecond else {
            guard burst == nil else { throw complaint(burstKey, "it needs a rate a second") }
            return nil
        }
        return RateLimit(perSecond: perSecond, burst: burst)
    }

    private func positive(_ count: Int, _ key: String) throws(BlobError) -> Int {
        guard count > 0 else { throw complaint(key, "it must be at least 1") }
        return count
    }

    private func complaint(_ key: String, _ text: String) -> BlobError {
        BlobError(.invalidArgument, "\(place).\(key): \(text)")
    }
}
