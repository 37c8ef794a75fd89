import ArgumentParser
import BlobCore

/// Part numbers as people write them: `1-3,7`.
struct PartNumbers: ExpressibleByArgument, Equatable {
    /// The numbers every store takes.
    static let valid: ClosedRange<UInt32> = 1...10_000

    let numbers: [UInt32]

    init?(argument: String) {
        var numbers: [UInt32] = []
        for item in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(
                separator: "-", maxSplits: 1, omittingEmptySubsequences: false
            ).map { UInt32($0) }
            guard let first = ends.first, let first, let last = ends.last, let last,
                first <= last, Self.valid.contains(first), Self.valid.contains(last)
            else { return nil }
            numbers += first...last
            guard numbers.count <= Int(Self.valid.upperBound) else { return nil }
        }
        self.numbers = numbers
    }

    /// Refuses a number that no store takes.
    static func validate(_ number: UInt32) throws {
        guard valid.contains(number) else {
            throw ValidationError("part numbers are 1 to \(valid.upperBound).")
        }
    }

    /// The fields of one part.
    static func fields(_ part: UploadedPart) -> [JSONValue.Field] {
        [
            .init("part_number", .unsigned(UInt64(part.partNumber))),
            .init("etag", .optional(part.etag)),
            .init("byte_count", part.byteCount.map { .unsigned($0) } ?? .null),
        ]
    }
}
