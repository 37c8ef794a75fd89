/// Lets the options of every command stand before the command too, as in
/// `blobctl --socket /run/s info`: the parser knows them only behind it.
enum ArgumentOrder {
    /// `arguments` with the leading global options moved to the end, or before a `--`.
    static func movingGlobalOptions(_ arguments: [String]) -> [String] {
        var moved: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            let name = first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? first
            guard let takesValue = GlobalOptions.takesValue[name] else { break }
            moved.append(rest.removeFirst())
            if takesValue, name == first, !rest.isEmpty { moved.append(rest.removeFirst()) }
        }
        // Alone they would turn into an unknown option of the root; nothing is left to do anyway.
        guard !rest.isEmpty, !moved.isEmpty else { return rest.isEmpty ? [] : arguments }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + moved + Array(rest[end...])
    }
}
