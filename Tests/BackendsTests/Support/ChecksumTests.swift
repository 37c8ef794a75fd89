import BlobCore
import CChecksums
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct ChecksumTests {
    private static let digits = Bytes(utf8: "123456789")

    /// A message long enough for all paths of the loops, from a fixed sequence.
    private static func noise(_ byteCount: Int) -> Bytes {
        var state: UInt64 = 88_172_645_463_325_252
        return Bytes(
            (0..<byteCount).map { _ in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return UInt8(truncatingIfNeeded: state)
            })
    }

    /// Bit by bit, straight from the definition.
    private static func slow<Number: FixedWidthInteger & UnsignedInteger>(
        _ bytes: Bytes, polynomial: Number
    ) -> Number {
        var value = Number.max
        for byte in bytes {
            value ^= Number(byte)
            for _ in 0..<8 { value = (value >> 1) ^ (value & 1 == 1 ? polynomial : 0) }
        }
        return ~value
    }

    @Test("the published check value of CRC-32C, and RFC 3720's examples")
    func crc32c() {
        func value(_ bytes: Bytes) -> UInt32 {
            var checksum = CRC32C()
            checksum.update(bytes)
            return checksum.value
        }
        #expect(value(Self.digits) == 0xE306_9283)
        #expect(value(Bytes()) == 0)
        #expect(value(Bytes([UInt8](repeating: 0, count: 32))) == 0x8A91_36AA)
        #expect(value(Bytes([UInt8](repeating: 0xFF, count: 32))) == 0x62A8_AB43)
        #expect(value(Bytes(Array(0..<32))) == 0x46DD_794E)
        #expect(value(Bytes(Array((0..<32).reversed()))) == 0x113F_DB5C)
    }

    @Test("the published check value of CRC-64/NVME")
    func crc64() {
        var checksum = CRC64NVME()
        #expect(checksum.value == 0)
        checksum.update(Self.digits)
        #expect(checksum.value == 0xAE8B_1486_0A79_9888)
        #expect(checksum.base64 == "rosUhgp5mIg=")
    }

    @Test("all lengths and starts agree with the definition, with and without the instruction")
    func lengths() {
        let all = Self.noise(300)
        for start in 0..<9 {
            for byteCount in stride(from: 0, through: 290, by: byteStep(start)) {
                let bytes = all.slice(start..<(start + byteCount))
                let expected: UInt32 = Self.slow(bytes, polynomial: 0x82F6_3B78)
                var checksum = CRC32C()
                checksum.update(bytes)
                #expect(checksum.value == expected)
                let portable = bytes.withUnsafeBytes {
                    cchecksums_crc32c_portable(0, $0.baseAddress, $0.count)
                }
                #expect(portable == expected)
                var wide = CRC64NVME()
                wide.update(bytes)
                let expectedWide: UInt64 = Self.slow(bytes, polynomial: 0x9A6C_9329_AC4B_C9B5)
                #expect(wide.value == expectedWide)
            }
        }
    }

    private func byteStep(_ start: Int) -> Int { start == 0 ? 1 : 7 }

    @Test("pieces give what the whole gives")
    func pieces() {
        let all = Self.noise(100_003)
        var whole = CRC32C()
        var wholeWide = CRC64NVME()
        whole.update(all)
        wholeWide.update(all)
        var parts = CRC32C()
        var partsWide = CRC64NVME()
        var rest = all
        for byteCount in [0, 1, 7, 8, 9, 4095, 60_001] {
            parts.update(rest.prefix(byteCount))
            partsWide.update(rest.prefix(byteCount))
            rest = rest.dropFirst(byteCount)
        }
        parts.update(rest)
        partsWide.update(rest)
        #expect(parts.value == whole.value)
        #expect(partsWide.value == wholeWide.value)
    }

    @Test("headers carry the most significant byte first")
    func headers() {
        var checksum = CRC32C()
        #expect(checksum.base64 == "AAAAAA==")
        checksum.update(Self.digits)
        #expect(checksum.base64 == "4waSgw==")
    }

    @Test("RFC 1321's examples of MD5")
    func md5() throws {
        #expect(HexText.text(of: try MD5.digest(of: Bytes())) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(
            HexText.text(of: try MD5.digest(of: Bytes(utf8: "message digest")))
                == "f96b697d7cb7938d525a2f31aaf161d0")
        #expect(try MD5.base64(of: Bytes(utf8: "abc")) == "kAFQmDzST7DWlj99KOF/cg==")
    }
}
