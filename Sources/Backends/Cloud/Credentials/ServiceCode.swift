/// The name of an error that a service gave. Only what looks like one is repeated to anybody: the
/// text of a service may hold what it was sent.
struct ServiceCode {
    let text: String

    init?(_ text: String) {
        guard (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({
                ASCII.isLetter($0) || ASCII.digitValue($0) != nil || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "_")
            })
        else { return nil }
        self.text = text
    }
}
