import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Keys to sign URLs with, how long they are used, and who may sign (AZ-13).
@Suite(.timeLimit(.minutes(10))) struct AzureDelegationTests {
    private static let hour: Int64 = 3600
    private static let day: Int64 = 24 * 3600
    private static let longest: Int64 = 7 * day - 15 * 60

    private let time = TestWallClock()

    private func keys(_ sender: ScriptedDelegation) -> AzureDelegationKeys {
        AzureDelegationKeys(clock: time.clock, sender: sender)
    }

    private func moment(in seconds: Int64) -> Timestamp {
        Timestamp(milliseconds: time.now.milliseconds + seconds * 1000)
    }

    private func grant(
        _ credentials: AzureCredentials, _ keys: AzureDelegationKeys, _ validSeconds: UInt32
    ) async throws(BlobError) -> AzureGrant {
        try await AzureGrant(
            credentials: credentials, delegationKeys: keys, now: time.now,
            validSeconds: validSeconds)
    }

    private func token() throws -> AzureCredentials {
        try #require(AzureCredentials.token("t", expiresAt: moment(in: 60)))
    }

    @Test("The request is what the service documents, the answer is read in whatever form")
    func documents() throws {
        let request = AzureDelegationKeyRequest(
            start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 3_600_999))
        #expect(
            request.body.utf8Text
                == "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<KeyInfo>"
                + "<Start>1970-01-01T00:00:00Z</Start><Expiry>1970-01-01T01:00:00Z</Expiry></KeyInfo>"
        )
        let properties = ["o", "t", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00.5Z", "b", "v"]
        let key = try AzureFixture.delegationKey(properties, value: "aHVzaA==")
        #expect(key.end == Timestamp(iso8601: "2026-11-24T00:00:00.5Z"))
        #expect(key.parameters.map(\.name) == ["skoid", "sktid", "skt", "ske", "sks", "skv"])
        #expect(key.parameters.map(\.value) == properties)
        #expect("\(key)" == "AzureDelegationKey(REDACTED)")
        #expect(!String(reflecting: key).contains("aHVzaA"))
    }

    @Test("Answers that are no key")
    func brokenDocuments() {
        let good = ["o", "t", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", "b", "v"]
        #expect(
            AzureDelegationKey(
                parsing: AzureFixture.delegationDocument(good, value: "aHVzaA==")) != nil)
        var documents = ["", "<Error/>", "<UserDelegationKey/>", "<UserDelegationKey>"].map {
            Bytes(utf8: $0)
        }
        documents.append(AzureFixture.delegationDocument(good, value: "no base 64"))
        for index in good.indices {
            for value in ["", "x y", "x\ny"] {
                var broken = good
                broken[index] = value
                documents.append(AzureFixture.delegationDocument(broken, value: "aHVzaA=="))
            }
        }
        var never = good
        never[3] = "never"
        documents.append(AzureFixture.delegationDocument(never, value: "aHVzaA=="))
        for document in documents { #expect(AzureDelegationKey(parsing: document) == nil) }
    }

    @Test("One key of twelve hours serves the usual URLs, until two hours before its end (AZ-13)")
    func usualKey() async throws {
        let sender = ScriptedDelegation()
        let keys = keys(sender)
        let first = try await keys.key(until: moment(in: 60))
        let request = try #require(sender.requests.first)
        #expect(request.start == moment(in: -300))
        #expect(request.end == moment(in: 12 * Self.hour))
        #expect(first.end == request.end)
        async let second = keys.key(until: moment(in: 10 * Self.hour))
        async let third = keys.key(until: moment(in: Self.hour))
        #expect(try await [second, third] == [first, first])
        #expect(sender.requests.count == 1)
        // It is renewed behind the back of whoever asks, and put away when two hours are left.
        time.advance(seconds: 10 * Self.hour)
        let next = try await keys.key(until: moment(in: 60))
        #expect(next.end == moment(in: 12 * Self.hour))
        #expect(sender.requests.count == 2)
    }

    @Test("A URL that outlives the key at hand gets another one (AZ-13)")
    func outliving() async throws {
        let sender = ScriptedDelegation()
        let keys = keys(sender)
        let first = try await keys.key(until: moment(in: 60))
        time.advance(seconds: 5 * Self.hour)
        // Seven hours are left.
        #expect(try await keys.key(until: moment(in: 7 * Self.hour)) == first)
        let longer = try await keys.key(until: moment(in: 8 * Self.hour))
        #expect(longer.end == moment(in: 12 * Self.hour))
        #expect(try await keys.key(until: moment(in: 60)) == longer)
        #expect(sender.requests.count == 2)
    }

    @Test("URLs of days have a key of seven days, which is shared and not used for others (AZ-13)")
    func longKey() async throws {
        let sender = ScriptedDelegation()
        let keys = keys(sender)
        let long = try await keys.key(until: moment(in: 11 * Self.hour))
        #expect(long.end == moment(in: 7 * Self.day - 300))
        #expect(try await keys.key(until: moment(in: 6 * Self.day)) == long)
        #expect(try await keys.key(until: moment(in: 7 * Self.day)) == long)
        time.advance(seconds: 600)
        #expect(try await keys.key(until: moment(in: 7 * Self.day)) == long)
        #expect(sender.requests.count == 1)
        time.advance(seconds: 1)
        #expect(try await keys.key(until: moment(in: 7 * Self.day)) != long)
        #expect(try await keys.key(until: moment(in: 60)).end == moment(in: 12 * Self.hour))
        #expect(sender.requests.count == 3)
    }

    @Test("The end that is told is the true one, in whole seconds (AZ-13, CM-16)")
    func trueEnd() async throws {
        let keys = keys(ScriptedDelegation())
        let week = try await grant(try token(), keys, 604_800)
        #expect(week.end == moment(in: 7 * Self.day - 300))
        let hour = try await grant(try token(), keys, 3600)
        #expect(hour.end == moment(in: Self.hour))
        let account = try AzureCredentials.sharedKey(account: "acct", key: "a2V5")
        let own = try await AzureGrant(
            credentials: account, delegationKeys: keys,
            now: Timestamp(milliseconds: time.now.milliseconds + 999), validSeconds: 604_800)
        #expect(own.end == moment(in: 7 * Self.day))
        for seconds: UInt32 in [0, 604_801, .max] {
            await expectError(.presign) { _ = try await grant(account, keys, seconds) }
        }
    }

    @Test("A SAS token and nobody sign nothing (AZ-13)")
    func noSigner() async throws {
        let sender = ScriptedDelegation()
        let keys = keys(sender)
        let token = try AzureCredentials.sasToken("sv=1&sig=hush")
        let error = await expectError(.presign) { _ = try await grant(token, keys, 60) }
        #expect(error?.message.contains("Storage Blob Delegator") == true)
        #expect(error.map { "\($0)".contains("hush") } == false)
        await expectError(.presign) { _ = try await grant(.anonymous, keys, 60) }
        #expect(sender.requests.isEmpty)
    }

    @Test("An identity that may not sign is told what it lacks; other failures stay what they are")
    func failures() async throws {
        let refused = keys(
            ScriptedDelegation { _ throws(BlobError) in
                throw BlobError(.permissionDenied, "refused", origin: .backend)
            })
        let error = await expectError(.presign) { _ = try await grant(try token(), refused, 60) }
        #expect(error?.message.contains("role 'Storage Blob Delegator'") == true)
        let busy = keys(
            ScriptedDelegation { _ throws(BlobError) in
                throw BlobError(.backendThrottled, "busy", origin: .backend)
            })
        await expectError(.backendThrottled) { _ = try await grant(try token(), busy, 60) }
        let broken = keys(ScriptedDelegation { _ throws(BlobError) in Bytes(utf8: "<html/>") })
        await expectError(.presign) { _ = try await grant(try token(), broken, 60) }
        broken.close()
        await expectError(.shuttingDown) { _ = try await grant(try token(), broken, 60) }
    }
}
