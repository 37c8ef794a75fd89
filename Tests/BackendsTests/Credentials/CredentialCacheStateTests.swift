import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

/// When credentials are used, renewed and given up.
@Suite struct CredentialCacheStateTests {
    private static let failure = CredentialFetchFailure(
        error: BlobError(.backendAuthentication, "no"), isAbsence: false)

    private func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    private func keys(_ name: String, until end: Int64?) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: name, secretAccessKey: "s", expiresAt: end.map { time($0) })
    }

    /// What the state says at `seconds`: the keys at hand, and whether to fetch.
    private func look(
        _ state: CredentialCacheState<AWSCredentials>, _ seconds: Int64
    ) -> (keys: String?, mustFetch: Bool) {
        let step = state.step(at: time(seconds))
        return ((try? step.answer?.get())?.accessKeyID, step.mustFetch)
    }

    @Test(
        "Credentials are renewed a tenth to a fifth of their life before the end, never too soon",
        arguments: [
            // Life, random, and the second in which the renewal is due.
            (3600, 0.0, 3240), (3600, 1.0, 2880), (36_000, 0.5, 30_600), (1200, 0.0, 900),
            (1200, 1.0, 840), (400, 0.5, 200), (1, 1.0, 1),
        ] as [(Int64, Double, Int64)])
    func renewal(life: Int64, random: Double, due: Int64) {
        var state = CredentialCacheState<AWSCredentials>()
        _ = state.finish(.success(keys("a", until: life)), at: time(0), random: random)
        #expect(look(state, 0) == ("a", due == 0))
        if due > 1 { #expect(look(state, due - 1) == ("a", false)) }
        if due < life { #expect(look(state, due) == ("a", true)) }
        #expect(look(state, life) == (nil, true))
    }

    @Test("Keys that do not end are fetched once")
    func endless() {
        var state = CredentialCacheState<AWSCredentials>()
        #expect(look(state, 0) == (nil, true))
        _ = state.finish(.success(keys("a", until: nil)), at: time(0), random: 0)
        #expect(look(state, 4_000_000_000) == ("a", false))
    }

    @Test("While a renewal fails, what is still valid is served and the source left in peace")
    func staleServed() {
        var state = CredentialCacheState<AWSCredentials>()
        _ = state.finish(.success(keys("a", until: 3600)), at: time(0), random: 0)
        #expect(look(state, 3300) == ("a", true))
        let answer = state.finish(.failure(Self.failure), at: time(3300), random: 0)
        #expect((try? answer.get())?.accessKeyID == "a")
        #expect(look(state, 3309) == ("a", false))
        #expect(look(state, 3310) == ("a", true))
        #expect(look(state, 3600) == (nil, true))
    }

    @Test("The absence of any source is believed for ten seconds, another failure for one")
    func negative() {
        var state = CredentialCacheState<AWSCredentials>()
        var absence = Self.failure
        absence.isAbsence = true
        _ = state.finish(.failure(absence), at: time(100), random: 1)
        #expect(look(state, 109) == (nil, false))
        #expect(throws: BlobError.self) { try state.step(at: time(109)).answer?.get() }
        #expect(look(state, 110) == (nil, true))
        _ = state.finish(.failure(Self.failure), at: time(110), random: 1)
        #expect(look(state, 110) == (nil, false))
        #expect(look(state, 111) == (nil, true))
    }

    @Test("A clock that is set back does not make a failure last")
    func clockSetBack() {
        var state = CredentialCacheState<AWSCredentials>()
        _ = state.finish(.failure(Self.failure), at: time(1_000_000), random: 1)
        #expect(look(state, 5) == (nil, true))
    }

    @Test("A refusal causes one fetch (S3-18)")
    func invalidation() {
        var state = CredentialCacheState<AWSCredentials>()
        let first = keys("a", until: 3600)
        _ = state.finish(.success(first), at: time(0), random: 0)
        state.invalidate(keys("other", until: 3600), at: time(1))
        #expect(look(state, 1) == ("a", false))
        state.invalidate(first, at: time(1))
        #expect(look(state, 1) == (nil, true))
        _ = state.finish(.success(keys("b", until: 3600)), at: time(2), random: 0)
        // Somebody else's refusal of the old ones comes late.
        state.invalidate(first, at: time(3))
        #expect(look(state, 3) == ("b", false))
    }

    @Test("A source that gives the refused keys again is not asked at every refusal (S3-18)")
    func invalidationInVain() {
        var state = CredentialCacheState<AWSCredentials>()
        let keys = keys("a", until: 3600)
        _ = state.finish(.success(keys), at: time(0), random: 0)
        state.invalidate(keys, at: time(1))
        _ = state.finish(.success(keys), at: time(2), random: 0)
        state.invalidate(keys, at: time(11))
        #expect(look(state, 11) == ("a", false))
        state.invalidate(keys, at: time(12))
        #expect(look(state, 12) == (nil, true))
    }

    @Test("Credentials that come expired are a failure")
    func expired() {
        var state = CredentialCacheState<AWSCredentials>()
        let answer = state.finish(.success(keys("a", until: 100)), at: time(100), random: 0)
        #expect(throws: BlobError.self) { try answer.get() }
        #expect(look(state, 100) == (nil, false))
    }

    @Test("Absurd times do not trap")
    func absurd() {
        for end in [Int64.min, .max, 0] {
            for now in [Int64.min, .max, 0] {
                var state = CredentialCacheState<AWSCredentials>()
                let keys = AWSCredentials(
                    accessKeyID: "a", secretAccessKey: "s",
                    expiresAt: Timestamp(milliseconds: end))
                let now = Timestamp(milliseconds: now)
                _ = state.finish(.success(keys), at: now, random: 1)
                _ = state.finish(.failure(Self.failure), at: now, random: 1)
                state.invalidate(keys, at: now)
                _ = state.step(at: now)
            }
        }
    }
}
