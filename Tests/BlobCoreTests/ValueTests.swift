import BlobCore
import Testing

@Suite struct ValueTests {
    @Test func `CM-01 W-71 ranges resolve against the size`() throws {
        #expect(try ByteRange.bounded(start: 5, end: 5).resolved(size: 10).isEmpty)
        #expect(try ByteRange.bounded(start: 50, end: 50).resolved(size: 10).isEmpty)
        #expect(try ByteRange.bounded(start: 2, end: 99).resolved(size: 10) == 2..<10)
        #expect(try ByteRange.from(3).resolved(size: 10) == 3..<10)
        #expect(try ByteRange.suffix(4).resolved(size: 10) == 6..<10)
        #expect(try ByteRange.suffix(40).resolved(size: 10) == 0..<10)
        #expect(try ByteRange.from(0).resolved(size: 0).isEmpty)
        #expect(try ByteRange.bounded(start: 0, end: 9).resolved(size: 0).isEmpty)
        let past = #expect(throws: BlobError.self) { try ByteRange.from(10).resolved(size: 10) }
        #expect(past?.code == .rangeNotSatisfiable)
        #expect(past?.objectByteCount == 10)
        let reversed = #expect(throws: BlobError.self) {
            try ByteRange.bounded(start: 9, end: 3).resolved(size: 10)
        }
        #expect(reversed?.code == .invalidArgument)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_372_534_001, "2026-11-22T18:35:34.001Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `timestamps print as ISO 8601`(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    @Test(arguments: [Int64.min, Int64.max])
    func `no timestamp traps`(_ milliseconds: Int64) {
        #expect(!Timestamp(milliseconds: milliseconds).description.isEmpty)
    }

    @Test func `slices share, freeze keeps, builders grow`() {
        var builder = BytesBuilder()
        for byte in UInt8(0)..<200 { builder.append(Bytes([byte])) }
        let bytes = builder.freeze()
        #expect(bytes.count == 200)
        #expect(Array(bytes.slice(10..<12)) == [10, 11])
        #expect(bytes.dropFirst(199) == [199])
        #expect(bytes.prefix(2) == [0, 1])
        #expect(bytes.prefix(0).isEmpty)
    }
}
