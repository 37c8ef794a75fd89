import Glibc

/// Where server and client meet when nobody says otherwise. One rule in one place, so that
/// `blobrpcd` and `blobctl` cannot drift apart.
public enum DefaultPaths {
    /// The socket of this process's user, by `socketPath(runtimeDirectory:userID:)`.
    public static func socketPath() -> String {
        let directory = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }
        return socketPath(runtimeDirectory: directory, userID: geteuid())
    }

    /// `$XDG_RUNTIME_DIR/blobrpc/blobrpc.sock`; without that directory `/run/blobrpc/blobrpc.sock`
    /// for root and `/tmp/blobrpc-UID/blobrpc.sock` for everybody else.
    ///
    /// - Parameter runtimeDirectory: The value of `XDG_RUNTIME_DIR`. Only an absolute path counts, as
    ///   the XDG base directory specification demands.
    public static func socketPath(runtimeDirectory: String?, userID: UInt32) -> String {
        if let runtimeDirectory, runtimeDirectory.utf8.first == UInt8(ascii: "/") {
            return "\(runtimeDirectory)/blobrpc/blobrpc.sock"
        }
        return userID == 0 ? "/run/blobrpc/blobrpc.sock" : "/tmp/blobrpc-\(userID)/blobrpc.sock"
    }

    /// The local store that a server without configuration serves: `/var/lib/blobrpc` for root,
    /// `$XDG_STATE_HOME/blobrpc` or `~/.local/state/blobrpc` for everybody else.
    public static func storeDirectory() -> String {
        if geteuid() == 0 { return "/var/lib/blobrpc" }
        if let state = userStateDirectory() { return "\(state)/blobrpc" }
        return "/tmp/blobrpc-\(geteuid())/store"
    }

    /// What a server keeps for itself from one run to the next: beside its store, never inside.
    public static func stateDirectory() -> String {
        if geteuid() == 0 { return "/var/lib/blobrpc-state" }
        if let state = userStateDirectory() { return "\(state)/blobrpc-state" }
        return "/tmp/blobrpc-\(geteuid())/state"
    }

    private static func userStateDirectory() -> String? {
        func absolute(_ name: String) -> String? {
            guard let value = getenv(name).map({ String(cString: $0) }), value.hasPrefix("/") else {
                return nil
            }
            return value
        }
        return absolute("XDG_STATE_HOME") ?? absolute("HOME").map { "\($0)/.local/state" }
    }
}
