internal import BlobCore
internal import BlobWire

/// What a socket says about the server and about itself.
extension PolicyStore {
    func makeHello(_ listener: ServedListener) -> HelloFrame {
        var hello = HelloFrame(
            limits: policy.limits, maximumStreamCount: policy.limits.maximumStreamCount)
        hello.agentName = listener.context.configuration.agentName
        hello.instanceID = listener.instanceID
        // W-90
        hello.operations = judge.operations.map(\.rawValue).sorted()
        hello.isReadOnly = policy.isReadOnly
        return hello
    }

    /// W-85: what this socket may know; counters name no blob and no peer. They tell of all sockets,
    /// so one with grants does not see them, nor how long the others have been there.
    func info(_ listener: ServedListener) -> ServerInfo {
        let context = listener.context
        let startedAt = judge.grants == nil ? context.startedAt : listener.startedAt
        let configuration = context.configuration
        var info = ServerInfo(
            serverName: configuration.agentName, instanceID: listener.instanceID,
            uptimeSeconds: UInt64(max(0, (.now - startedAt).components.seconds)),
            schemes: configuration.schemes, mounts: configuration.mountNames, counters: [:])
        guard let grants = judge.grants else {
            info.counters = context.metrics.snapshot
            return info
        }
        info.schemes.removeAll { scheme in
            !grants.contains { $0.prefix.scheme.rawValue == scheme }
        }
        info.mounts.removeAll { mount in
            !grants.contains { $0.prefix.scheme == .blob && $0.prefix.container == mount }
        }
        return info
    }
}
