internal import BlobCore

extension ListenerPolicy {
    /// What the peers may do, in a line for people.
    var summary: String {
        var words: [String] = []
        if administersListeners { words.append("adds and removes sockets") }
        if isReadOnly { words.append("reads only") }
        switch scope {
        case .everything: words.append("everything")
        case .granted(let grants):
            words += grants.map { grant in
                let names = grant.operations.map { "\($0)" }.sorted().joined(separator: " ")
                return "\(grant.prefix.redactedDescription): \(names)"
            }
        }
        return words.joined(separator: "; ")
    }
}
