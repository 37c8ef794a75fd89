import BlobCore
import TestKit
import Testing

/// The list that every store is held to, run against the oracle, which checks every token and every
/// signature.
@Suite(.timeLimit(.minutes(10))) struct GCSBehaviourTests {
    @Test(arguments: BlobStoreBehaviour.all)
    func `gcs store`(_ behaviour: BlobStoreBehaviour) async throws {
        try await GCSFixture.with { fixture in
            try await behaviour.run(
                BehaviourContext(store: fixture.backend, base: fixture.uri("base")))
        }
    }
}
