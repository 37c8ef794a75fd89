import BlobCore
import CloudBackends
import TestKit
import Testing

/// The list that every store is held to, run against servers that check signatures.
@Suite(.timeLimit(.minutes(10))) struct S3BehaviourTests {
    @Test(arguments: S3TestServer.Kind.allCases, BlobStoreBehaviour.all)
    func `s3 store`(_ kind: S3TestServer.Kind, _ behaviour: BlobStoreBehaviour) async throws {
        try await S3Fixture.with(kind) { fixture in
            try await S3ServerDefects.expecting(kind, behaviour.name) {
                try await behaviour.run(
                    BehaviourContext(
                        store: fixture.backend, base: fixture.uri("base"),
                        raceCount: S3ServerDefects.raceCount))
            }
        }
    }
}
