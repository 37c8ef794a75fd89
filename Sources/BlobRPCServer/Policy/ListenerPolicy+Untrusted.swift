internal import BlobWire

extension ListenerPolicy {
    /// For peers that may be hostile, such as a sandboxed executor: the limits of protocol.md's
    /// column for untrusted sockets, and nothing granted. Set ``scope`` to what the peers may use.
    public static var untrusted: ListenerPolicy {
        var policy = ListenerPolicy()
        policy.scope = .granted([])
        policy.presign = .denied
        policy.maximumTimeout = .seconds(15 * 60)
        policy.memoryByteCount = 32 << 20
        policy.maximumUploadCount = 64
        policy.limits.frames.maximumHeaderByteCount = 16 << 10
        policy.limits.streamCreditByteCount = 512 << 10
        policy.limits.connectionCreditByteCount = 4 << 20
        policy.limits.maximumStreamCount = 64
        policy.limits.maximumGlitchCount = 100
        policy.maximumConnectionCount = 16
        policy.maximumHandshakeCount = 4
        policy.isTrusted = false
        policy.connectionRate = RateLimit(perSecond: 100, burst: 32)
        policy.timeouts.partialFrame = .seconds(10)
        policy.timeouts.writeStall = .seconds(10)
        policy.timeouts.idle = .seconds(5 * 60)
        policy.sendBufferByteCount = 256 << 10
        policy.tellsBackendDetails = false
        policy.abortsUploadsOnRemoval = true
        return policy
    }
}

extension ListenerConfiguration {
    /// The socket of ``ListenerPolicy/untrusted`` peers with what `scope` grants them.
    public static func untrusted(
        path: String, scope: ListenerPolicy.Scope
    ) -> ListenerConfiguration {
        var listener = ListenerConfiguration(path: path)
        listener.backlog = 128
        listener.policy = .untrusted
        listener.policy.scope = scope
        return listener
    }
}
