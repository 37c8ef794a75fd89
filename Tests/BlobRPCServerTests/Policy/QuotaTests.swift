import BlobCore
import TestKit
import Testing

@testable import BlobRPCServer
@testable import BlobWire

/// What the peers of a socket take together.
@Suite struct QuotaTests {
    private let uri = TenantFixture.uri("team/a")

    private func begin(_ peer: RawPeer, _ name: String) async throws -> UInt32 {
        try await peer.call(
            .put(TenantFixture.uri("team/\(name)"), PutOptions(), bodyByteCount: 1 << 20), flags: []
        )
    }

    /// Gives a call up and waits until its slot is free.
    private func end(_ streamID: UInt32, _ peer: RawPeer) async throws {
        try await peer.write(peer.frame(FrameHeader(type: .reset, streamID: streamID)))
        let confirmed = try #require(try await peer.read(until: .reset))
        #expect(confirmed.header.streamID == streamID)
    }

    @Test func `W-94 calls over the rate are told when to come again`() async throws {
        try await TenantFixture.with(
            configure: { $0.callRate = RateLimit(perSecond: 1, burst: 3) }
        ) { fixture in
            // The rate is the socket's, not the connection's. One call in a thousand seconds would
            // do as well: this many come in no time.
            let peers = [
                try await RawPeer.open(path: fixture.path),
                try await RawPeer.open(path: fixture.path),
            ]
            var refused: BlobError?
            var answeredCount = 0
            while refused == nil, answeredCount < 10_000 {
                refused = try await peers[answeredCount % 2].error(.head(uri, GetOptions()))
                answeredCount += 1
            }
            #expect(answeredCount > 3)
            #expect(refused?.code == .quotaExceeded)
            #expect(refused?.origin == .policy)
            let delay = try #require(refused?.retryAfter)
            #expect(delay > .zero && delay <= .seconds(1))
            // Other sockets have a rate of their own.
            let other = try await RawPeer.open(path: fixture.server.socketPath)
            #expect(try await other.error(.info) == nil)
        }
    }

    @Test func `W-94 a bucket gives its burst, then its rate, and never more`() {
        var bucket = TokenBucket()
        let limit = RateLimit(perSecond: 10, burst: 20)
        var now = ContinuousClock.now
        for _ in 0..<20 { #expect(bucket.take(1, of: limit, now: now) == nil) }
        let wait = bucket.take(1, of: limit, now: now)
        #expect(wait != nil && wait! > .milliseconds(99) && wait! < .milliseconds(101))
        now += .milliseconds(100)
        #expect(bucket.take(1, of: limit, now: now) == nil)
        #expect(bucket.take(1, of: limit, now: now) != nil)
        // A pause fills it up to the burst.
        now += .seconds(3600)
        for _ in 0..<20 { #expect(bucket.take(1, of: limit, now: now) == nil) }
        #expect(bucket.take(1, of: limit, now: now) != nil)
        // Time that goes backwards gives nothing.
        #expect(bucket.take(1, of: limit, now: now - .seconds(50)) != nil)
    }

    @Test func `W-95 a debt is paid before the next bytes`() {
        var bucket = TokenBucket()
        let limit = RateLimit(perSecond: 1000, burst: 1000)
        let now = ContinuousClock.now
        #expect(bucket.overdraw(1000, of: limit, now: now) == nil)
        let wait = bucket.overdraw(500, of: limit, now: now)
        #expect(wait != nil && wait! > .milliseconds(499) && wait! < .milliseconds(501))
        // Who comes next waits behind the debt of the others.
        let longer = bucket.overdraw(500, of: limit, now: now)
        #expect(longer != nil && longer! > .milliseconds(999) && longer! < .milliseconds(1001))
        // No number of bytes makes it wait for ever, or trap.
        #expect(bucket.overdraw(.max, of: limit, now: now)! <= .seconds(86_401))
    }

    @Test func `W-95 a body over the rate waits where it is`() async throws {
        try await TenantFixture.with(
            configure: { $0.byteRate = RateLimit(perSecond: 1, burst: 1) }
        ) { fixture in
            let large = TenantFixture.uri("team/large")
            _ = try await fixture.server.store.put(
                large, SeededBody(seed: 1, byteCount: 200_000).bytes)
            let peer = try await RawPeer.open(path: fixture.path)
            let get = try await peer.call(.get(large, GetOptions()))
            let response = try #require(try await peer.read(until: .response))
            #expect(try RawPeer.status(response).rawValue == 0)
            // Two days from now its bytes come. Until then other calls are served.
            #expect(try await peer.error(.head(large, GetOptions())) == nil)
            try await peer.write(peer.frame(FrameHeader(type: .reset, streamID: get)))
            let next = try #require(try await peer.read())
            #expect(next.header.type == .reset)
            // A put: what the store took is paid for before it takes more.
            let put = try await peer.call(
                .put(TenantFixture.uri("team/slow"), PutOptions(), bodyByteCount: 200_000),
                flags: [])
            let half = [UInt8](repeating: 1, count: 100_000)
            try await peer.write(
                peer.frame(FrameHeader(type: .data, streamID: put), payload: half))
            try await peer.write(
                peer.frame(FrameHeader(type: .data, flags: .end, streamID: put), payload: half))
            #expect(try await peer.error(.head(large, GetOptions())) == nil)
            try await end(put, peer)
            #expect(try await !fixture.keys().contains("team/slow"))
        }
    }

    @Test func `calls at once are counted over all connections`() async throws {
        try await TenantFixture.with(configure: { $0.maximumCallCount = 2 }) { fixture in
            let first = try await RawPeer.open(path: fixture.path)
            let second = try await RawPeer.open(path: fixture.path)
            let running = try await begin(first, "x")
            _ = try await begin(second, "y")
            // In order on one connection: the put has begun when the next call is judged.
            let refused = try await second.error(.info)
            #expect(refused?.code == .refused || refused == nil)
            let both = try await first.error(.info)
            #expect(both?.code == .refused)
            #expect(both?.retry == .notStarted)
            try await end(running, first)
            #expect(try await first.error(.info) == nil)
        }
    }

    @Test func `W-98 memory is refused before it is allocated, and comes back`() async throws {
        let limits = ListenerPolicy.untrusted.limits
        let connection = ListenerQuota.connectionByteCount(limits)
        let put = ListenerQuota.callByteCount(
            BlobRequest(.put(uri, PutOptions(), bodyByteCount: nil)), .follows, limits)
        let small = ListenerQuota.callByteCount(BlobRequest(.info), .none, limits)
        #expect(put >= Int(limits.streamCreditByteCount))
        try await TenantFixture.with(
            configure: { $0.memoryByteCount = 2 * connection + 2 * put + small }
        ) { fixture in
            let first = try await RawPeer.open(path: fixture.path)
            let second = try await RawPeer.open(path: fixture.path)
            _ = try await begin(first, "x")
            let running = try await begin(first, "y")
            let refusedPut = try await begin(first, "z")
            guard case .failure(let error) = try await first.answer(on: refusedPut, to: .put) else {
                Issue.record("a third put was begun")
                return
            }
            #expect(error.code == .overloaded)
            #expect(error.retry == .backoff)
            // What is small still fits, on every connection.
            #expect(try await second.error(.info) == nil)
            try await end(running, first)
            _ = try await begin(first, "again")
            #expect(try await first.error(.info) == nil)
        }
    }

    @Test func `W-98 a connection that does not fit is turned away`() async throws {
        let connection = ListenerQuota.connectionByteCount(ListenerPolicy.untrusted.limits)
        try await TenantFixture.with(
            configure: { $0.memoryByteCount = 2 * connection - 1 }
        ) { fixture in
            let first = try await RawPeer.open(path: fixture.path)
            let second = try RawPeer(path: fixture.path)
            #expect(try await second.readGoAwayCode() == .overloaded)
            #expect(try await first.error(.info) == nil)
        }
    }

    @Test func `W-98 lists are counted as they are collected and made`() async throws {
        let limits = ListenerPolicy.untrusted.limits
        let connection = ListenerQuota.connectionByteCount(limits)
        let call = ListenerQuota.callByteCount(BlobRequest(.deleteMany), .follows, limits)
        try await TenantFixture.with(
            configure: { $0.memoryByteCount = connection + call + (100 << 10) }
        ) { fixture in
            let peer = try await RawPeer.open(path: fixture.path)
            // A page of 1000 entries would not fit, one of 10 does.
            let page = try await peer.error(.list(TenantFixture.uri("team/"), ListOptions()))
            #expect(page?.code == .overloaded)
            let few = ListOptions(pageEntryCount: 10)
            #expect(try await peer.error(.list(TenantFixture.uri("team/"), few)) == nil)
            let uris = (0..<1000).map { number in
                TenantFixture.uri("team/" + String(repeating: "x", count: 200) + "\(number)")
            }
            #expect(try await deleteMany(uris, peer) == .overloaded)
        }
    }

    @Test func `W-98 answers of deleteMany are counted before anything is deleted`() async throws {
        let limits = ListenerPolicy.untrusted.limits
        let connection = ListenerQuota.connectionByteCount(limits)
        let call = ListenerQuota.callByteCount(BlobRequest(.deleteMany), .follows, limits)
        try await TenantFixture.with(
            configure: { $0.memoryByteCount = connection + call + (1 << 20) }
        ) { fixture in
            let peer = try await RawPeer.open(path: fixture.path)
            // Each is refused, and each refusal names a URI in which every byte is escaped.
            let others = (0..<400).map { number in
                TenantFixture.uri(String(repeating: "\u{7F}", count: 500) + "\(number)")
            }
            let code = try await deleteMany(others + [TenantFixture.uri("team/a")], peer)
            #expect(code == .overloaded)
            #expect(try await peer.error(.head(TenantFixture.uri("team/a"), GetOptions())) == nil)
            #expect(try await deleteMany([TenantFixture.uri("team/a")], peer) == nil)
        }
    }

    private func deleteMany(_ uris: [BlobURI], _ peer: RawPeer) async throws -> BlobError.Code? {
        let records = Array(try RecordBody.encode(uris: uris))
        let streamID = try await peer.call(.deleteMany, flags: [])
        try await peer.write(
            peer.frame(
                FrameHeader(type: .data, flags: .end, streamID: streamID), payload: records))
        if case .failure(let error) = try await peer.answer(on: streamID, to: .deleteMany) {
            return error.code
        }
        return nil
    }

    @Test func `W-50 a call ends at the socket's time limit`() async throws {
        try await TenantFixture.with(
            configure: { $0.maximumTimeout = .milliseconds(100) }
        ) { fixture in
            let peer = try await RawPeer.open(path: fixture.path)
            let put = try await begin(peer, "never")
            guard case .failure(let error) = try await peer.answer(on: put, to: .put) else {
                Issue.record("the put succeeded")
                return
            }
            #expect(error.code == .deadlineExceeded)
        }
    }
}
