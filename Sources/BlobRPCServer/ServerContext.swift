internal import BlobCore
internal import LinuxIO
internal import Logging
internal import Synchronization

/// What all sockets of a server share.
final class ServerContext: Sendable {
    let configuration: ServerConfiguration
    let store: any BlobStore
    let metrics: ServerMetrics
    let audit: (any AuditSink)?
    let logger: Logger
    let startedAt = ContinuousClock.now
    /// All loops.
    let loops: [EventLoop]
    private let trustedLoops: [EventLoop]
    private let untrustedLoops: [EventLoop]
    let administration: ListenerAdministration
    let systemCalls: SystemCalls
    let descriptors = DescriptorBudget()
    private let connectionCount = Atomic<UInt64>(0)

    init(
        configuration: ServerConfiguration, store: any BlobStore, metrics: ServerMetrics,
        audit: (any AuditSink)?, logger: Logger, loops: [EventLoop],
        administration: ListenerAdministration, systemCalls: SystemCalls
    ) {
        self.configuration = configuration
        self.store = store
        self.metrics = metrics
        self.audit = audit
        self.logger = logger
        self.loops = loops
        trustedLoops = loops.filter { $0.priority == .normal }
        untrustedLoops = loops.filter { $0.priority == .background }
        self.administration = administration
        self.systemCalls = systemCalls
    }

    /// The loops that serve peers of such a socket. Whoever may be hostile has none of those of others:
    /// a turn that takes long is waited for by its own kind alone.
    func loops(for policy: ListenerPolicy) -> [EventLoop] {
        policy.isTrusted ? trustedLoops : untrustedLoops
    }

    /// A number for a connection, never given twice, and the loop that it belongs to.
    func nextConnection(
        _ policy: ListenerPolicy
    ) -> (identifier: UInt64, loop: EventLoop) {
        let loops = loops(for: policy)
        let identifier = connectionCount.add(1, ordering: .relaxed).newValue
        return (identifier, loops[Int(identifier % UInt64(loops.count))])
    }
}
