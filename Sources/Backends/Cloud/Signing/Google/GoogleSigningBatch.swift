internal import BlobCore

/// Many strings to sign, slice by slice, a few slices at once: enough to use several cores or to
/// hide the way to the service, and not so many that everybody else has to wait.
struct GoogleSigningBatch: Sendable {
    typealias Outcome = Result<[[UInt8]], GoogleSigningFailure>

    private static let laneCount = 4

    private let strings: [String]
    private let sliceCount: Int

    /// - Parameter sliceCount: how many strings are signed in one go.
    init(_ strings: [String], sliceCount: Int) {
        self.strings = strings
        self.sliceCount = sliceCount
    }

    /// The signatures in the order of the strings. The first failure ends it all.
    func run(
        _ sign: @escaping @Sendable (ArraySlice<String>) async -> Outcome
    ) async throws(GoogleSigningFailure) -> [[UInt8]] {
        let outcome = await withTaskGroup(of: (start: Int, outcome: Outcome).self) { group in
            var signatures = [[UInt8]](repeating: [], count: strings.count)
            var next = 0
            var laneCount = 0
            while true {
                while laneCount < Self.laneCount, next < strings.count {
                    let slice = strings[next..<min(next + sliceCount, strings.count)]
                    group.addTask { (slice.startIndex, await sign(slice)) }
                    next = slice.endIndex
                    laneCount += 1
                }
                guard let (start, outcome) = await group.next() else {
                    return Outcome.success(signatures)
                }
                laneCount -= 1
                guard case .success(let some) = outcome else {
                    group.cancelAll()
                    return outcome
                }
                signatures.replaceSubrange(start..<start + some.count, with: some)
            }
        }
        return try outcome.get()
    }
}
