import BlobCore
import Testing

@testable import BlobRPCServer
@testable import BlobWire

/// What a policy offers, operation by operation.
@Suite struct PolicyJudgeTests {
    private let inside = TenantFixture.uri("team/x")
    private let outside = TenantFixture.uri("teamwork/x")

    private func judge(
        _ operations: Set<BlobOperation>, _ change: (inout ListenerPolicy) -> Void = { _ in }
    ) -> PolicyJudge {
        var policy = ListenerPolicy()
        policy.scope = .granted([PolicyGrant(operations, on: TenantFixture.uri("team"))])
        change(&policy)
        return PolicyJudge(policy)
    }

    private func code(
        _ judge: PolicyJudge, _ operation: BlobOperation, _ uri: BlobURI
    ) -> BlobError.Code? {
        do throws(BlobError) {
            try judge.judge(operation, uri)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `W-90 an untrusted socket is granted nothing by itself`() {
        let judge = PolicyJudge(.untrusted)
        #expect(judge.operations == [.info])
        for operation in BlobOperation.ofBlobs where operation != .info {
            #expect(code(judge, operation, inside) == .permissionDenied, "\(operation)")
        }
    }

    @Test func `W-90 each operation is granted by itself`() {
        for granted in BlobOperation.ofBlobs {
            let judge = judge([granted])
            #expect(judge.operations == [granted, .capabilities, .info])
            for operation in BlobOperation.ofBlobs {
                let isAllowed = operation == granted || operation == .capabilities
                #expect(
                    (code(judge, operation, inside) == nil) == isAllowed,
                    "\(operation) with a grant of \(granted)")
            }
        }
    }

    @Test func `W-91 outside of the grants reads find nothing and writes are refused`() {
        let judge = judge(BlobOperation.ofBlobs)
        for operation in BlobOperation.ofBlobs {
            let expected: BlobError.Code =
                switch operation {
                case .head, .get, .capabilities: .notFound
                case .uploadPart, .listParts, .presignUploadParts, .completeMultipartUpload:
                    .uploadNotFound
                default: .permissionDenied
                }
            #expect(code(judge, operation, outside) == expected, "\(operation)")
            #expect(code(judge, operation, inside) == nil, "\(operation)")
        }
    }

    @Test func `W-86 a read-only socket with grants offers only what reads`() {
        let judge = judge(BlobOperation.ofBlobs) { $0.isReadOnly = true }
        #expect(
            judge.operations == [
                .head, .get, .list, .presignGet, .presignHead, .capabilities, .info, .listParts,
            ])
        #expect(code(judge, .put, inside) == .readOnly)
        #expect(code(judge, .put, outside) == .readOnly)
    }

    @Test func `W-93 signing needs the grant and the policy`() {
        let signing = PolicyGrant.signing
        #expect(judge([.get]).operations.isDisjoint(with: signing))
        #expect(judge(signing) { $0.presign = .denied }.operations.isDisjoint(with: signing))
        let some = judge(signing) {
            $0.presign = PresignPolicy([.presignGet, .presignUploadParts], maximumSeconds: 300)
        }
        #expect(some.operations.intersection(signing) == [.presignGet, .presignUploadParts])
    }

    @Test func `a socket with a largest blob signs no URL that writes a whole one`() {
        let judge = judge(BlobOperation.ofBlobs) { $0.maximumBlobByteCount = 10 }
        #expect(code(judge, .presignPut, inside) == .permissionDenied)
        #expect(code(judge, .presignUploadParts, inside) == nil)
    }

    @Test(
        "W-91 a key that some store might resolve is refused before anything else",
        arguments: ["team/../other", "team/.", "..", "./team/x", "team/x/..", "team/./x"])
    func dots(key: String) {
        let judge = judge([.get])
        #expect(code(judge, .get, TenantFixture.uri(key)) == .invalidURI)
    }

    @Test(
        "W-91 dots that are part of a name are names",
        arguments: ["team/...", "team/..x", "team/x..", "team/.x", "team/%2e%2e/x"])
    func names(key: String) {
        #expect(code(judge([.get]), .get, TenantFixture.uri(key)) == nil)
    }

    @Test func `the numbers of an untrusted socket are those of protocol.md`() {
        let policy = ListenerPolicy.untrusted
        #expect(policy.limits.frames.maximumDataByteCount == 256 << 10)
        #expect(policy.limits.frames.maximumHeaderByteCount == 16 << 10)
        #expect(policy.limits.streamCreditByteCount == 512 << 10)
        #expect(policy.limits.connectionCreditByteCount == 4 << 20)
        #expect(policy.limits.maximumStreamCount == 64)
        #expect(policy.limits.maximumGlitchCount == 100)
        #expect(policy.maximumConnectionCount == 16)
        #expect(policy.maximumHandshakeCount == 4)
        #expect(policy.timeouts.handshake == .seconds(5))
        #expect(policy.timeouts.partialFrame == .seconds(10))
        #expect(policy.timeouts.writeStall == .seconds(10))
        #expect(policy.timeouts.streamProgress == .seconds(30))
        #expect(policy.timeouts.idle == .seconds(300))
        #expect(policy.maximumTimeout == .seconds(900))
        #expect(policy.memoryByteCount == 32 << 20)
        #expect(policy.sendBufferByteCount == 256 << 10)
        #expect(policy.presign == .denied)
        #expect(!policy.tellsBackendDetails)
        #expect(ListenerConfiguration.untrusted(path: "x", scope: .granted([])).backlog == 128)
    }
}
