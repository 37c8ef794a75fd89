import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct PlanTests {
    private static let part = 8 << 20
    private static let limits = Capabilities.Limits(
        maximumBlobByteCount: 50 << 40, maximumPartByteCount: 5 << 30,
        minimumPartByteCount: 5 << 20, maximumPartCount: 10_000, maximumPresignSeconds: nil)

    @Test(
        arguments: [
            ([], .range("bytes=0-8388607", start: 0)),
            ([.from(5)], .range("bytes=5-8388612", start: 5)),
            ([.bounded(start: 2, end: 10)], .range("bytes=2-9", start: 2)),
            ([.bounded(start: 0, end: .max)], .range("bytes=0-8388607", start: 0)),
            ([.suffix(7)], .range("bytes=-7", start: nil)),
            ([.suffix(0)], .head), ([.suffix(9 << 20)], .head),
            ([.bounded(start: 4, end: 4), .from(0)], .head),
            ([.from(.max)], .head), ([.bounded(start: .max - 1, end: .max)], .head),
        ] as [([ByteRange], FirstRequest)])
    func `CM-01, CM-06 the first request of a read`(
        ranges: [ByteRange], first: FirstRequest
    ) throws {
        #expect(try FirstRequest(ranges, partByteCount: Self.part) == first)
    }

    @Test func `AZ-10 where the end of a blob cannot be asked for its size is`() throws {
        let first = try FirstRequest(
            [.suffix(7)], partByteCount: Self.part, hasSuffixRanges: false)
        #expect(first == .head)
        let whole = try FirstRequest([], partByteCount: Self.part, hasSuffixRanges: false)
        #expect(whole == .range("bytes=0-8388607", start: 0))
    }

    @Test func `CM-01 a range that ends before it begins is refused before any request`() {
        #expect(throws: BlobError.self) {
            try FirstRequest([.bounded(start: 5, end: 4)], partByteCount: Self.part)
        }
    }

    @Test func `a plan covers the ranges once and in order`() {
        var plan = PartPlan(ranges: [0..<25, 7..<7, 3..<5, 40..<50], partByteCount: 10)
        var parts: [Range<UInt64>] = []
        while let part = plan.next() { parts.append(part) }
        #expect(parts == [0..<10, 10..<20, 20..<25, 3..<5, 40..<50])
        var whole = PartPlan(ranges: [0..<25], partByteCount: 10)
        #expect(whole.next(maximumByteCount: 25) == 0..<25)
        #expect(whole.next() == nil)
    }

    @Test(
        arguments: [
            0, 1, 8 << 20, 5 << 30, 80_000 << 20, (80_000 << 20) + 1, 5 << 40, 48 << 40,
        ] as [UInt64])
    func `ten thousand parts are enough for every known size`(byteCount: UInt64) throws {
        let sizes = try PartSizes(
            byteCount: byteCount, preferredByteCount: Self.part, limits: Self.limits)
        let size = UInt64(sizes.byteCount(ofPart: 1))
        #expect(size >= UInt64(Self.part))
        #expect(size * 10_000 >= byteCount)
        #expect(sizes.byteCount(ofPart: 9999) == Int(size))
    }

    @Test func `more than the service can store is refused`() {
        let error = #expect(throws: BlobError.self) {
            try PartSizes(byteCount: .max, preferredByteCount: Self.part, limits: Self.limits)
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func `the limits are those of the service`() throws {
        var limits = Self.limits
        limits.maximumBlobByteCount = 5 << 40
        let error = #expect(throws: BlobError.self) {
            try PartSizes(
                byteCount: (5 << 40) + 1, preferredByteCount: Self.part, limits: limits)
        }
        #expect(error?.code == .tooLarge)
        limits.maximumPartByteCount = 32 << 20
        limits.maximumPartCount = 50_000
        let known = try PartSizes(
            byteCount: 50_000 << 23, preferredByteCount: Self.part, limits: limits)
        #expect(known.byteCount(ofPart: 1) == Self.part)
        let unknown = try PartSizes(
            byteCount: nil, preferredByteCount: Self.part, limits: limits)
        #expect(unknown.byteCount(ofPart: 9000) == 32 << 20)
    }

    @Test func `a blob whose parts do not fit into memory is refused`() throws {
        let memory = 128 << 20
        func sizes(_ byteCount: UInt64?) throws(BlobError) -> PartSizes {
            try PartSizes(
                byteCount: byteCount, preferredByteCount: Self.part, limits: Self.limits,
                memoryByteCount: memory)
        }
        let largest = UInt64(memory) * 10_000
        #expect(try sizes(largest).byteCount(ofPart: 1) == memory)
        for byteCount in [largest + 1, 40 << 40] {
            let error = #expect(throws: BlobError.self) { try sizes(byteCount) }
            #expect(error?.code == .tooLarge)
            #expect(error?.message.contains("1250 GiB") == true)
            #expect(error?.message.contains("memoryBudgetBytes") == true)
        }
        // Of unknown length: they stop growing there.
        #expect(try sizes(nil).byteCount(ofPart: 10_000) == memory)
        let parts = try sizes(nil)
        let total = (1...10_000).reduce(UInt64(0)) { $0 + UInt64(parts.byteCount(ofPart: $1)) }
        #expect(total > 800 << 30 && total < 900 << 30)
    }

    @Test func `parts of a body of unknown length grow`() throws {
        let sizes = try PartSizes(
            byteCount: nil, preferredByteCount: Self.part, limits: Self.limits)
        #expect(sizes.byteCount(ofPart: 1) == Self.part)
        #expect(sizes.byteCount(ofPart: 1000) == Self.part)
        #expect(sizes.byteCount(ofPart: 1001) == 2 * Self.part)
        let total = (1...10_000).reduce(UInt64(0)) { $0 + UInt64(sizes.byteCount(ofPart: $1)) }
        #expect(total > 5 << 40)
    }

    @Test func `memory is lent in order and never twice`() async throws {
        let budget = MemoryBudget(byteCount: 100)
        var first: MemoryBudget.Ticket? = try await budget.take(80)
        #expect(first != nil && budget.freeByteCount == 20)
        #expect(budget.tryTake(30) == nil)
        // Each gives its ticket back at once: the second, which wants all, is before the third.
        let second = Task { _ = try await budget.take(1000) }
        let third = Task { _ = try await budget.take(10) }
        first = nil
        try await second.value
        try await third.value
        #expect(budget.tryTake(100) != nil)
    }

    @Test func `reads ahead leave half of the memory to writers`() async throws {
        let budget = MemoryBudget(byteCount: 100)
        let ahead = [budget.tryTakeAhead(30), budget.tryTakeAhead(20)].compactMap { $0 }
        #expect(ahead.count == 2)
        #expect(budget.tryTakeAhead(1) == nil)
        // However long the readers keep theirs.
        let writer = try await budget.take(50)
        #expect(budget.freeByteCount == 0)
        ahead[1].end()
        #expect(budget.tryTakeAhead(21) == nil)
        #expect(budget.tryTakeAhead(20) != nil)
        #expect(budget.freeByteCount == 20)
        writer.end()
        ahead[0].end()
        #expect(budget.freeByteCount == 100)
    }

    @Test func `memory given back early is given back once`() async throws {
        let budget = MemoryBudget(byteCount: 10)
        let held = try await budget.take(10)
        let waiter = Task { try await budget.take(10) }
        held.end()
        held.end()
        let second = try await waiter.value
        #expect(budget.freeByteCount == 0)
        second.end()
        withExtendedLifetime(held) {}
        #expect(budget.freeByteCount == 10)
    }

    @Test func `a cancelled waiter takes nothing`() async throws {
        let budget = MemoryBudget(byteCount: 10)
        let held = try await budget.take(10)
        let waiter = Task { () -> Bool in
            do {
                _ = try await budget.take(5)
                return false
            } catch {
                return true
            }
        }
        waiter.cancel()
        #expect(await waiter.value)
        withExtendedLifetime(held) {}
    }
}
