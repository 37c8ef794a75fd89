import BlobCore
import BlobRPCServer
import LinuxIO
import Logging

/// Reads the configuration anew at each SIGHUP and brings the sockets in line with it: policies
/// change for the calls that begin afterwards, sockets come and go. Whatever is wrong with the file,
/// nothing changes then.
struct ListenerReload {
    let arguments: Daemon
    let server: BlobServer
    let audit: AuditLog?
    let logger: Logger
    /// Mounts are opened at the start: a policy cannot name one that came later.
    let mountNames: Set<String>
    /// The sockets of a service manager, which stay whatever the file says.
    let inherited: [InheritedSocket]

    func run(_ hangups: ProcessSignals, _ listeners: [ListenerConfiguration]) async {
        var listeners = listeners
        var receivedCount: Int64 = 0
        while true {
            receivedCount = await hangups.wait(count: receivedCount + 1)
            guard !Task.isCancelled else { return }
            audit?.reopen()
            do throws(BlobError) {
                let settings = try Settings(arguments, inherited: inherited)
                listeners = try await apply(settings, to: listeners)
                logger.notice("configuration reloaded", metadata: ["sockets": "\(listeners.count)"])
            } catch {
                logger.error(
                    "configuration not reloaded: nothing was changed",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    private func apply(
        _ settings: Settings, to old: [ListenerConfiguration]
    ) async throws(BlobError) -> [ListenerConfiguration] {
        let new = settings.serverConfiguration.listeners
        let present = Dictionary(old.map { ($0.path, $0) }) { first, _ in first }
        for listener in new {
            try checkMounts(of: listener)
            try checkAdministration(of: listener, present[listener.path])
        }
        try settings.makeSocketDirectories()
        try await add(new.filter { present[$0.path] == nil })
        for listener in new {
            guard let before = present[listener.path] else { continue }
            do throws(BlobError) {
                try server.setPolicy(listener.policy, at: listener.path)
            } catch {
                // Nothing to undo: somebody has removed the socket at run time.
                logger.warning(
                    "a socket is gone and stays so", metadata: ["listener": "\(listener.path)"])
            }
            if before.mode != listener.mode || before.backlog != listener.backlog {
                logger.warning(
                    "mode and backlog of a socket change at the next start only",
                    metadata: ["listener": "\(listener.path)"])
            }
        }
        let kept = Set(new.map(\.path))
        for path in present.keys.sorted() where !kept.contains(path) { await remove(path) }
        return new
    }

    /// All of them, or none.
    private func add(_ listeners: [ListenerConfiguration]) async throws(BlobError) {
        var added: [String] = []
        do throws(BlobError) {
            for listener in listeners {
                try server.addListener(listener)
                added.append(listener.path)
            }
        } catch {
            for path in added { await remove(path) }
            throw error
        }
    }

    private func remove(_ path: String) async {
        // Says in the log what it did.
        _ = try? await server.removeListener(at: path)
    }

    private func checkAdministration(
        of listener: ListenerConfiguration, _ before: ListenerConfiguration?
    ) throws(BlobError) {
        guard let before,
            before.policy.administersListeners != listener.policy.administersListeners
        else { return }
        throw BlobError(
            .invalidArgument,
            "listener \(listener.path): admin: changes at the next start only")
    }

    private func checkMounts(of listener: ListenerConfiguration) throws(BlobError) {
        guard case .granted(let grants) = listener.policy.scope else { return }
        for grant in grants where grant.prefix.scheme == .blob {
            guard mountNames.contains(grant.prefix.container) else {
                throw BlobError(
                    .invalidArgument,
                    "listener \(listener.path): the mount '\(grant.prefix.container)' is not"
                        + " served; mounts are read at the start only")
            }
        }
    }
}
