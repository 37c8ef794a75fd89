extension StringProtocol where SubSequence == Substring {
    /// Without white space at either end; ASCII only.
    var trimmingWhitespace: Substring {
        let bytes = self[...].utf8
        guard let start = bytes.firstIndex(where: { !ASCII.isSpace($0) }),
            let end = bytes.lastIndex(where: { !ASCII.isSpace($0) })
        else { return "" }
        return self[start...end]
    }
}
