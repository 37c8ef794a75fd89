import BlobCore
import Testing

@Suite struct ChunkPlanTests {
    private func limits(
        blob: UInt64 = 5 << 50, part: UInt64 = 5 << 30, minimum: UInt64 = 5 << 20,
        count: UInt32 = 10_000
    ) -> Capabilities.Limits {
        Capabilities.Limits(
            maximumBlobByteCount: blob, maximumPartByteCount: part, minimumPartByteCount: minimum,
            maximumPartCount: count, maximumPresignSeconds: 604_800)
    }

    private static let mebibyte: UInt64 = 1 << 20
    private static let gibibyte: UInt64 = 1 << 30
    /// All that 10,000 parts hold.
    private static let most = 100 * 100 * mebibyte + 9900 * gibibyte

    /// Size of the blob, number of parts, size of the last one.
    @Test(
        arguments: [
            (0, 1, 0), (1, 1, 1), (100 * mebibyte, 1, 100 * mebibyte),
            (100 * mebibyte + 1, 2, 1), (10_000 * mebibyte, 100, 100 * mebibyte),
            (10_000 * mebibyte + 1, 101, 1), (10_000 * mebibyte + gibibyte, 101, gibibyte),
            (10_000 * mebibyte + gibibyte + 1, 102, 1), (most - 1, 10_000, gibibyte - 1),
            (most, 10_000, gibibyte),
        ] as [(UInt64, Int, UInt64)])
    func `edges`(_ byteCount: UInt64, _ count: Int, _ last: UInt64) throws {
        let plan = try ChunkPlan(byteCount: byteCount, limits: limits())
        #expect(plan.count == count)
        #expect(plan.first?.lowerBound == 0)
        #expect(plan.last?.upperBound == byteCount)
        #expect(plan.last.map { $0.upperBound - $0.lowerBound } == last)
        #expect(zip(plan, plan.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        for (index, range) in plan.enumerated().dropLast() {
            #expect(range.upperBound - range.lowerBound == (index < 100 ? 100 << 20 : 1 << 30))
        }
    }

    private func refusal(_ byteCount: UInt64, _ limits: Capabilities.Limits) -> BlobError? {
        #expect(throws: BlobError.self) { try ChunkPlan(byteCount: byteCount, limits: limits) }
    }

    @Test func `what does not fit names the limit`() {
        let tooMany = refusal(Self.most + 1, limits())
        #expect(tooMany?.code == .tooLarge)
        #expect(tooMany?.message.contains("10001 parts") == true)
        #expect(tooMany?.message.contains("takes 10000") == true)
        let tooLarge = refusal((5 << 40) + 1, limits(blob: 5 << 40))
        #expect(tooLarge?.code == .tooLarge)
        #expect(tooLarge?.message.contains("\(UInt64(5) << 40)") == true)
        #expect(refusal(1, limits(part: 0))?.code == .tooLarge)
        #expect(refusal(0, limits(count: 0))?.code == .tooLarge)
        // Whatever a server may say, nothing traps and nothing is counted one by one.
        #expect(refusal(.max, limits(blob: .max, part: 1, minimum: 0, count: .max)) != nil)
    }

    @Test func `a store's smallest and largest parts count`() throws {
        let small = try ChunkPlan(byteCount: 10, limits: limits(part: 4, minimum: 0))
        #expect(Array(small) == [0..<4, 4..<8, 8..<10])
        let large = try ChunkPlan(
            byteCount: 300 << 20, limits: limits(minimum: 200 << 20))
        #expect(Array(large) == [0..<(200 << 20), (200 << 20)..<(300 << 20)])
        let one = try ChunkPlan(
            byteCount: .max, limits: limits(blob: .max, part: .max, minimum: .max))
        #expect(Array(one) == [0..<UInt64.max])
    }
}
