import BlobCore
import TestKit
import Testing

/// The list that every store is held to, run against the oracle, which checks every token and every
/// signature.
@Suite(.timeLimit(.minutes(10))) struct AzureBehaviourTests {
    @Test(arguments: AzureFixture.Identity.allCases, BlobStoreBehaviour.all)
    func `azure store`(
        _ identity: AzureFixture.Identity, _ behaviour: BlobStoreBehaviour
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            try await behaviour.run(
                BehaviourContext(
                    store: fixture.backend, base: fixture.uri("base"), refusesRewrittenKeys: true))
        }
    }
}
