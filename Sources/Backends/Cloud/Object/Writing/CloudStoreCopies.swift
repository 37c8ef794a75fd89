internal import BlobCore

extension CloudStore {
    /// Has the parts of a blob copied within the service, some at once.
    ///
    /// - Parameter copyPart: Has one part copied: its bytes in the source, and its number.
    /// - Returns: The parts, by number.
    func copiedParts(
        of byteCount: UInt64, preferredByteCount: Int,
        _ copyPart: @escaping @Sendable (Range<UInt64>, UInt32) async -> PartOutcome
    ) async throws(BlobError) -> [StoredPart] {
        let sizes = try PartSizes(
            byteCount: byteCount, preferredByteCount: preferredByteCount, limits: dialect.limits)
        var plan = PartPlan(
            ranges: [0..<byteCount], partByteCount: sizes.byteCount(ofPart: 1))
        let width = settings.concurrentPartCount
        let outcome = await withTaskGroup(of: PartOutcome.self) {
            group -> Result<[StoredPart], BlobError> in
            var parts: [StoredPart] = []
            var number: UInt32 = 0
            do throws(BlobError) {
                while let range = plan.next() {
                    number += 1
                    let partNumber = number
                    if partNumber > width, let outcome = await group.next() {
                        parts.append(try outcome.get())
                    }
                    group.addTask { await copyPart(range, partNumber) }
                }
                while let outcome = await group.next() { parts.append(try outcome.get()) }
            } catch {
                group.cancelAll()
                return .failure(error)
            }
            return .success(parts.sorted { $0.number < $1.number })
        }
        return try outcome.get()
    }
}
