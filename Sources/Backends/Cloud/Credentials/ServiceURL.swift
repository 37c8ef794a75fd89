/// The URL of a service, taken apart far enough to sign for it and to tell whom it names.
struct ServiceURL: Sendable, Equatable {
    var isSecure: Bool
    /// Host and port as the `Host` header has them: without the scheme's own port.
    var host: String
    /// Begins with "/"; without the query.
    var path: String
    /// Without its "?"; nil without one.
    var query: String?

    /// Nil unless it is an absolute http or https URL. User names are refused: they serve to make
    /// another host look like the one that is meant.
    init?(_ text: String) {
        guard text.utf8.allSatisfy(ASCII.isVisible), let scheme = Self.scheme(of: text) else {
            return nil
        }
        isSecure = scheme == "https"
        let rest = text.dropFirst(scheme.count + 3)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        guard let host = Self.host(rest[..<end], isSecure: isSecure) else { return nil }
        self.host = host
        let target = rest[end...].prefix { $0 != "#" }
        let path = target.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        query =
            path.endIndex == target.endIndex ? nil : String(target[path.endIndex...].dropFirst())
    }

    var text: String {
        "\(isSecure ? "https" : "http")://\(host)\(path)\(query.map { "?" + $0 } ?? "")"
    }

    /// The host without its port, in lower case; an IPv6 address without its brackets.
    var hostName: String {
        let name =
            host.hasPrefix("[")
            ? host.dropFirst().prefix { $0 != "]" } : host.prefix { $0 != ":" }
        return String(decoding: name.utf8.map(ASCII.lowercased), as: UTF8.self)
    }

    /// Whether it never leaves this machine.
    var isLoopback: Bool {
        let name = hostName
        if name == "localhost" || name == "::1" { return true }
        // Four plain numbers: shorter forms and others of the C library are not worth their risk.
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127"
            && numbers.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }

    private static func scheme(of text: String) -> String? {
        for scheme in ["https", "http"] {
            let start = text.prefix(scheme.count + 3)
            if HTTPHeaders.areEqual(String(start), "\(scheme)://") { return scheme }
        }
        return nil
    }

    private static func host(_ authority: Substring, isSecure: Bool) -> String? {
        var name = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            name = authority[...bracket]
            let rest = authority[authority.index(after: bracket)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty { port = rest.dropFirst() }
            guard name.dropFirst().dropLast().utf8.allSatisfy(isAddressByte) else { return nil }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                name = authority[..<colon]
                port = authority[authority.index(after: colon)...]
            }
            guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { return nil }
        }
        guard let port, !port.isEmpty else { return String(name) }
        guard port.utf8.allSatisfy({ ASCII.digitValue($0) != nil }), let number = UInt16(port),
            number > 0
        else { return nil }
        return number == (isSecure ? 443 : 80) ? String(name) : "\(name):\(number)"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.digitValue(byte) != nil || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        (0x61...0x66).contains(ASCII.lowercased(byte)) || ASCII.digitValue(byte) != nil
            || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }
}
