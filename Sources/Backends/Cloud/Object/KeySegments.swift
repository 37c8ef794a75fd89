/// What lies between the slashes of a key. By bytes: these run for every request or URL.
enum KeySegments {
    /// Whether all between two slashes is one dot or two.
    static func haveDots(_ key: some Sequence<UInt8>) -> Bool {
        var byteCount = 0
        var isOfDots = true
        for byte in key {
            if byte == UInt8(ascii: "/") {
                if isOfDots, byteCount == 1 || byteCount == 2 { return true }
                (byteCount, isOfDots) = (0, true)
            } else {
                byteCount += 1
                isOfDots = isOfDots && byte == UInt8(ascii: ".")
            }
        }
        return isOfDots && (byteCount == 1 || byteCount == 2)
    }
}
