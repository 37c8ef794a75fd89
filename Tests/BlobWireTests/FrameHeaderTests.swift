import BlobCore
import Testing

@testable import BlobWire

/// W-10 to W-16: what can be said about a frame from its header alone.
@Suite struct FrameHeaderTests {
    private func parse(_ bytes: [UInt8], _ limits: FrameLimits = FrameLimits()) throws
        -> FrameHeader
    {
        try Bytes(bytes).withReader { (reader) throws(WireError) in
            try FrameHeader(&reader, limits: limits)
        }
    }

    private func header(
        length: UInt32 = 0, type: UInt8 = 4, flags: UInt8 = 0, descriptors: UInt8 = 0,
        reserved: UInt8 = 0
    ) -> [UInt8] {
        bigEndian(length) + [type, flags, descriptors, reserved] + bigEndian(UInt32(0x0102_0304))
            + bigEndian(UInt32(0x0506_0708))
    }

    @Test("W-10: sixteen bytes, big-endian")
    func layout() throws {
        let parsed = try parse(header(length: 0x1234, type: 4, flags: 0x05))
        #expect(parsed.payloadByteCount == 0x1234)
        #expect(parsed.type == .data)
        #expect(parsed.flags == [.end, .offset])
        #expect(parsed.streamID == 0x0102_0304)
        #expect(parsed.auxiliary == 0x0506_0708)
        #expect(Array(encoded { parsed.encode(into: &$0) }) == header(length: 0x1234, flags: 5))
    }

    @Test(
        "W-11 to W-16: what is refused",
        arguments: [
            ("W-11", UInt32(0x0100_0000), UInt8(4), UInt8(0), UInt8(0), UInt8(0), 0x0801),
            ("W-11 GET", 0x4745_5420, 4, 0, 0, 0, 0x0801),
            ("W-12 DATA", (256 << 10) + 1, 4, 0, 0, 0, 0x0809),
            ("W-12 REQUEST", (64 << 10) + 1, 2, 0, 0, 0, 0x0809),
            ("W-12 RESPONSE", (64 << 10) + 1, 3, 0, 0, 0, 0x0809),
            ("W-12 HELLO", 4097, 1, 0, 0, 0, 0x0809),
            ("W-12 CREDIT", 9, 5, 0, 0, 0, 0x0809),
            ("W-12 RESET", 1, 6, 0, 0, 0, 0x0809),
            ("W-12 STOP", 1, 7, 0, 0, 0, 0x0809),
            ("W-12 PING", 1, 8, 0, 0, 0, 0x0809),
            ("W-12 PONG", 1, 9, 0, 0, 0, 0x0809),
            ("W-12 GOAWAY", 9, 10, 0, 0, 0, 0x0809),
            ("W-12 unknown", (64 << 10) + 1, 99, 0, 0, 0, 0x0809),
            ("W-13", 0, 4, 0, 0, 1, 0x0801),
            ("W-15 type", 0, 99, 0x80, 0, 0, 0x0801),
            ("W-15 flag", 0, 4, 0x90, 0, 0, 0x0801),
            ("W-16", 0, 4, 0, 1, 0, 0x0807),
        ] as [(String, UInt32, UInt8, UInt8, UInt8, UInt8, UInt16)])
    func refused(
        _ example: (String, UInt32, UInt8, UInt8, UInt8, UInt8, UInt16)
    ) {
        let bytes = header(
            length: example.1, type: example.2, flags: example.3, descriptors: example.4,
            reserved: example.5)
        #expect(failure { _ = try parse(bytes) }?.rawValue == example.6, "\(example.0)")
    }

    @Test("W-14, W-15: unknown types and flags pass without the critical bit")
    func unknownPasses() throws {
        #expect(try parse(header(length: 64 << 10, type: 99)).type.rawValue == 99)
        #expect(try parse(header(flags: 0x70)).flags.rawValue == 0x70)
        #expect(try parse(header(flags: 0x8F)).flags.contains(.critical))
    }
}
