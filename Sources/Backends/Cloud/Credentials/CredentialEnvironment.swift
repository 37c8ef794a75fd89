internal import Glibc

/// The environment variables and the home directory that sources of credentials look at; a value,
/// so that tests never touch those of the process.
struct CredentialEnvironment: Sendable {
    var variables: [String: String]
    /// Without a slash at its end.
    var homeDirectory: String

    /// Those of this process, as they are now.
    static var process: CredentialEnvironment {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return CredentialEnvironment(
            variables: variables, homeDirectory: variables["HOME"] ?? accountHome() ?? "")
    }

    /// The variable, unless it is empty: AWS treats an empty one as not set.
    subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// Whether the variable says "true".
    func isTrue(_ name: String) -> Bool {
        HTTPHeaders.areEqual(self[name] ?? "", "true")
    }

    /// `path` with "~/" at its start replaced.
    func expanded(_ path: String) -> String {
        path.hasPrefix("~/") ? homeDirectory + path.dropFirst(1) : path
    }

    /// A service started by systemd has no HOME.
    private static func accountHome() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard getpwuid_r(geteuid(), &entry, base, buffer.count, &found) == 0,
                found != nil, let home = entry.pw_dir
            else { return nil }
            return String(cString: home)
        }
    }
}
