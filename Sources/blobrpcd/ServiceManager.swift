import BlobRPCServer
import CLinuxShims
import Glibc

/// Tells systemd, or whoever set `NOTIFY_SOCKET`, how the server is (sd_notify(3)). Does nothing
/// without that variable.
struct ServiceManager: Sendable {
    private let address: String?
    /// How often the manager wants to hear that the server works; nil for never.
    let watchdogInterval: Duration?

    init(environment: [String: String]) {
        address = environment["NOTIFY_SOCKET"]
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdogInterval = isForUs && limit > 0 ? .microseconds(max(1, limit / 2)) : nil
    }

    /// It serves.
    func ready() { notify("READY=1\nSTATUS=serving") }

    /// It ends; what runs may finish.
    func stopping() { notify("STOPPING=1\nSTATUS=draining") }

    /// Says that the server works as long as each of its loops has turns. A loop that hangs keeps
    /// this from going on, and the manager acts. Returns when the task is cancelled.
    func watch(_ server: BlobServer) async {
        guard let watchdogInterval else { return }
        while !Task.isCancelled {
            await server.turnEveryLoop()
            notify("WATCHDOG=1")
            try? await Task.sleep(for: watchdogInterval)
        }
    }

    /// A manager that does not listen changes nothing for the clients.
    private func notify(_ message: String) {
        if let address { _ = clinux_notify(address, message) }
    }
}
