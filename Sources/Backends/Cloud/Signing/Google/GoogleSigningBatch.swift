internal import BlobCore

/// Many strings to sign, slice by slice, a few slices at once.
struct GoogleSigningBatch: Sendable {
    typealias Outcome = Result<[[UInt8]], GoogleSigningFailure>

    private let strings: [String]
    private let sliceCount: Int
    private let laneCount: Int

    /// - Parameters:
    ///   - sliceCount: how many strings are signed in one go.
    ///   - laneCount: how many slices are signed at once.
    init(_ strings: [String], sliceCount: Int, laneCount: Int) {
        self.strings = strings
        self.sliceCount = sliceCount
        self.laneCount = laneCount
    }

    /// The signatures in the order of the strings. The first failure ends it all.
    func run(
        _ sign: @escaping @Sendable (ArraySlice<String>) async -> Outcome
    ) async throws(GoogleSigningFailure) -> [[UInt8]] {
        // One URL needs no group.
        if strings.count <= sliceCount { return try await sign(strings[...]).get() }
        let outcome = await withTaskGroup(of: (start: Int, outcome: Outcome).self) { group in
            var signatures = [[UInt8]](repeating: [], count: strings.count)
            var next = 0
            var runningCount = 0
            while true {
                while runningCount < laneCount, next < strings.count {
                    let slice = strings[next..<min(next + sliceCount, strings.count)]
                    group.addTask { (slice.startIndex, await sign(slice)) }
                    next = slice.endIndex
                    runningCount += 1
                }
                guard let (start, outcome) = await group.next() else {
                    return Outcome.success(signatures)
                }
                runningCount -= 1
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
