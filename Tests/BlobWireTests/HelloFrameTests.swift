import BlobCore
import Testing

@testable import BlobWire

/// W-02 to W-06, W-36: the handshake.
@Suite struct HelloFrameTests {
    private var hello: HelloFrame {
        var hello = HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 256)
        hello.agentName = "blobrpcd/0.1.0"
        hello.instanceID = "i-1"
        hello.operations = [1, 2, 17, 999]
        hello.isReadOnly = true
        hello.features = HelloFrame.Features(rawValue: 6)
        return hello
    }

    private func bytes(_ hello: HelloFrame) -> [UInt8] {
        Array(encoded { hello.encode(into: &$0) })
    }

    private func decode(_ bytes: [UInt8]) throws(WireError) -> HelloFrame {
        try Bytes(bytes).withReader { (reader) throws(WireError) in try HelloFrame(&reader) }
    }

    @Test("HELLO survives the round trip")
    func roundTrip() throws {
        #expect(try decode(bytes(hello)) == hello)
    }

    @Test("W-04: generations must overlap")
    func generations() {
        for (lowest, highest, isAccepted) in [
            (1, 1, true), (1, 9, true), (0, 0, false), (2, 3, false),
        ] {
            var other = hello
            other.minimumGeneration = UInt16(lowest)
            other.maximumGeneration = UInt16(highest)
            let code = failure { _ = try decode(bytes(other)) }
            #expect(code == (isAccepted ? nil : .unsupportedVersion))
        }
    }

    @Test("W-05: unknown fields pass, unknown critical ones do not")
    func unknownFields() throws {
        #expect(try decode(bytes(hello) + [0x0F, 0xFF, 0, 1, 7]) == hello)
        #expect(failure { _ = try decode(bytes(hello) + [0x8F, 0xFF, 0, 0]) } == .badFrame)
    }

    @Test("W-36: frame limits have bounds")
    func bounds() {
        for (data, header, isAccepted) in [
            (16 << 10, 16 << 10, true), (4 << 20, 4 << 20, true), ((16 << 10) - 1, 64 << 10, false),
            ((4 << 20) + 1, 64 << 10, false), (256 << 10, (16 << 10) - 1, false),
            (256 << 10, (4 << 20) + 1, false),
        ] {
            var other = hello
            other.frames = FrameLimits(maximumDataByteCount: data, maximumHeaderByteCount: header)
            #expect((failure { _ = try decode(bytes(other)) } == nil) == isAccepted)
        }
    }

    @Test("Half a HELLO is none")
    func truncated() {
        let whole = bytes(hello)
        for count in 0..<whole.count
        where failure({ _ = try decode(Array(whole.prefix(count))) }) == nil {
            // Cut between two fields, what is left is a HELLO with fewer fields.
            #expect(count >= 40)
        }
        for count in 0..<40 {
            #expect(failure { _ = try decode(Array(whole.prefix(count))) } == .badFrame)
        }
    }

    @Test("W-02: HELLO comes first and once; W-06: features are those of both")
    func order() throws {
        let early = try Side(.server, isOpen: false)
        #expect(failure { try early.receive(.request(1, .end)) } == .badFrame)
        let side = try Side(.server, isOpen: false)
        #expect(try side.receive(.hello(hello)) == "opened")
        #expect(failure { try side.receive(.hello(hello)) } == .badFrame)
        #expect(side.machine.peer?.features.intersection([]) == [])
        #expect(side.frames() == ["HELLO"])
    }
}
