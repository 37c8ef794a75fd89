internal import BlobCore
internal import BlobWire
internal import LinuxIO
internal import Logging

/// What a session needs from its server.
struct SessionEnvironment: Sendable {
    let listener: ListenerConfiguration
    let store: any BlobStore
    let metrics: ServerMetrics
    let logger: Logger
    let identity: ServerIdentity
    let handshakeEnded: @Sendable (UInt64) -> Void
    let sessionEnded: @Sendable (UInt64) -> Void

    func makeHello() -> HelloFrame {
        var hello = HelloFrame(
            limits: listener.limits, maximumStreamCount: listener.limits.maximumStreamCount)
        hello.agentName = identity.agentName
        hello.instanceID = identity.instanceID
        hello.operations = BlobOperation.allCases.map(\.rawValue)
        hello.isReadOnly = listener.isReadOnly
        return hello
    }
}

/// What a server says about itself.
struct ServerIdentity: Sendable {
    let agentName: String
    let instanceID: String
    let startedAt: ContinuousClock.Instant
    let schemes: [String]
    let mounts: [String]
}
