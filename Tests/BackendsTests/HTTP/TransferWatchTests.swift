import Testing

@testable import CloudBackends

/// The arithmetic of the timeouts, with times of our own: seconds, as nanoseconds.
@Suite struct TransferWatchTests {
    private let second: Int64 = 1_000_000_000

    private func watch(firstByte: Int = 15, stall: Int? = 20) -> TransferWatch {
        TransferWatch(
            timeouts: HTTPTimeouts(
                firstByte: .seconds(firstByte), stall: stall.map { .seconds($0) },
                minimumByteRate: 1024))
    }

    private func progress(
        connected: Int64? = 0, sent: UInt64 = 0, of total: UInt64 = 0, received: UInt64 = 0,
        hasResponse: Bool = false, paused: Int64 = 0
    ) -> TransferWatch.Progress {
        TransferWatch.Progress(
            connectedAt: connected.map { $0 * second }, sentByteCount: sent, bodyByteCount: total,
            bodyReadAt: 0, receivedByteCount: received, hasResponse: hasResponse,
            pausedNanoseconds: paused * second)
    }

    /// The second at which the watch gives up, when it is asked as it asks to be.
    private func end(
        _ watch: TransferWatch, upTo limit: Int64 = 1000, _ state: (Int64) -> TransferWatch.Progress
    ) -> (second: Int64, kind: HTTPFailure.Kind)? {
        var watch = watch
        var now = watch.firstCheck
        while now < limit * second {
            switch watch.check(state(now / second), now: now) {
            case .checkAgain(let nanoseconds): now += nanoseconds
            case .fail(let failure): return (now / second, failure.kind)
            }
        }
        return nil
    }

    @Test func theFirstByteHasItsTimeFromTheConnectionOn() {
        let result = end(watch()) { $0 < 100 ? progress(connected: nil) : progress(connected: 100) }
        #expect(result?.kind == .firstByteTimeout)
        #expect(result?.second == 115)
    }

    @Test func theFirstByteHasItsTimeFromTheEndOfTheBodyOn() {
        let result = end(watch()) { now in
            progress(sent: min(UInt64(now) * 2000, 200_000), of: 200_000)
        }
        #expect(result?.kind == .firstByteTimeout)
        // Seen at a check, up to five seconds late, never early.
        #expect(result.map { (115...120).contains($0.second) } == true)
    }

    @Test func aStallIsNoticedAfterItsTime() {
        let result = end(watch()) { now in
            progress(received: UInt64(min(now, 100)) * 5000 + 1, hasResponse: true)
        }
        #expect(result?.kind == .stalled)
        #expect(result.map { (120...131).contains($0.second) } == true)
    }

    @Test func tooSlowIsAStallAndSlowEnoughIsNone() {
        let slow = end(watch()) { now in
            progress(received: UInt64(now) * 1000, hasResponse: true)
        }
        #expect(slow?.kind == .stalled)
        let enough = end(watch()) { now in
            progress(received: UInt64(now) * 1500, hasResponse: true)
        }
        #expect(enough == nil)
    }

    @Test func anUploadStallsToo() {
        let result = end(watch()) { _ in progress(sent: 10, of: 100) }
        #expect(result?.kind == .stalled)
    }

    @Test func timeInWhichTheTransferWaitsForItsUserDoesNotCount() {
        let paused = end(watch()) { now in
            progress(received: 1, hasResponse: true, paused: now)
        }
        #expect(paused == nil)
        // Half of the time: it takes twice as long.
        let half = end(watch()) { now in
            progress(received: 1, hasResponse: true, paused: now / 2)
        }
        #expect(half.map { (38...46).contains($0.second) } == true)
    }

    @Test func withoutStallLimitNothingEnds() {
        #expect(end(watch(stall: nil)) { _ in progress(received: 1, hasResponse: true) } == nil)
    }
}
