import ArgumentParser
import BlobCore

/// A range of bytes as curl writes it, with inclusive ends: `0-99`, `100-`, `-100`.
struct RangeArgument: ExpressibleByArgument, Equatable {
    let range: ByteRange

    init?(argument: String) {
        guard let dash = argument.utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let first = argument[..<dash]
        let last = argument[argument.utf8.index(after: dash)...]
        switch (first.isEmpty, last.isEmpty) {
        case (true, true):
            return nil
        case (true, false):
            // The last zero bytes are no range that HTTP knows, and surely a slip.
            guard let count = Self.number(last), count > 0 else { return nil }
            range = .suffix(count)
        case (false, true):
            guard let start = Self.number(first) else { return nil }
            range = .from(start)
        case (false, false):
            guard let start = Self.number(first), let end = Self.number(last), start <= end,
                end < UInt64.max
            else { return nil }
            range = .bounded(start: start, end: end + 1)
        }
    }

    /// Digits only: `UInt64` itself would also accept a plus sign.
    private static func number(_ text: Substring) -> UInt64? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
            ? UInt64(text) : nil
    }
}
