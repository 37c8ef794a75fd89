import Backends
import BlobCore
import LinuxIO
import TestKit
import Testing

/// The list that every store is held to, run against files directly.
@Suite(.timeLimit(.minutes(10))) struct LocalBehaviourTests {
    @Test(arguments: BlobStoreBehaviour.all)
    func `local store`(_ behaviour: BlobStoreBehaviour) async throws {
        try await run(behaviour, LocalFixture())
    }

    @Test(arguments: BlobStoreBehaviour.all)
    func `local store with full durability and pruning`(
        _ behaviour: BlobStoreBehaviour
    ) async throws {
        try await run(
            behaviour,
            LocalFixture {
                $0.durability = .full
                $0.prunesEmptyDirectories = true
            })
    }

    @Test(arguments: BlobStoreBehaviour.all)
    func `local store without openat2, on tmpfs`(_ behaviour: BlobStoreBehaviour) async throws {
        try await run(behaviour, LocalFixture(in: "/dev/shm") { $0.forcesComponentWalk = true })
    }

    @Test(arguments: BlobStoreBehaviour.all)
    func `local store through a mount`(_ behaviour: BlobStoreBehaviour) async throws {
        let fixture = try LocalFixture()
        let dispatcher = try BlobStoreDispatcher(
            backends: [.file: fixture.store], mounts: ["data": fixture.uri("mounted")])
        let base = BlobURI(scheme: .blob, container: "data", key: "base")
        try await behaviour.run(BehaviourContext(store: dispatcher, base: base))
    }

    private func run(_ behaviour: BlobStoreBehaviour, _ fixture: LocalFixture) async throws {
        try await behaviour.run(
            BehaviourContext(store: fixture.store, base: fixture.uri("base")))
        // Whatever happened, no half-written file is left. A call that fails queues its clean-up
        // before it throws, and the pool ends after the last job.
        fixture.pool.shutdownAndWait()
        #expect(!fixture.stagedNames.contains { $0.hasPrefix("session/") })
    }
}
