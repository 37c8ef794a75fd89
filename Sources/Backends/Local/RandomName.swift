package import BlobCore
internal import CFileShims

/// Names that nobody can guess: 128 bits as 32 hexadecimal digits.
package enum RandomName {
    package static let digitCount = 32

    package static func make() throws(BlobError) -> String {
        var bytes = [UInt8](repeating: 0, count: digitCount / 2)
        let outcome = bytes.withUnsafeMutableBytes { cfile_random($0.baseAddress, $0.count) }
        try FileFailure.check(outcome, "getrandom", .write)
        return HexText.text(of: bytes)
    }
}
