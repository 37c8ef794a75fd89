import BlobCore
import BlobRPCServer
import LinuxIO

/// Which socket of the service manager's belongs to which listener.
enum InheritedListeners {
    /// Each socket goes to the listener that has its name, or else its path. Without any listener
    /// each becomes one, with the limits of a trusted socket.
    ///
    /// - Throws: `invalidArgument` for a socket that nobody wants: clients would wait in its queue
    ///   for ever.
    static func assign(
        _ sockets: [InheritedSocket], to listeners: [ListenerConfiguration]
    ) throws(BlobError) -> [ListenerConfiguration] {
        guard !listeners.isEmpty else {
            return sockets.map { socket in
                var listener = ListenerConfiguration(path: place(of: socket))
                listener.name = socket.name
                listener.inherited = socket
                return listener
            }
        }
        var listeners = listeners
        for socket in sockets {
            let index =
                listeners.firstIndex { $0.name == socket.name }
                ?? listeners.firstIndex { $0.path == socket.path }
            guard let index, listeners[index].inherited == nil else {
                throw BlobError(
                    .invalidArgument,
                    "the service manager hands over '\(socket.name)' at \(place(of: socket)), and no"
                        + " listener wants it; give one that path, or name: \(socket.name)")
            }
            guard !listeners[index].policy.administersListeners else {
                throw BlobError(
                    .invalidArgument,
                    "listener \(listeners[index].path): admin: such a socket is made by the server"
                        + " itself and cannot be the service manager's '\(socket.name)'")
            }
            listeners[index].inherited = socket
            listeners[index].path = place(of: socket)
        }
        return listeners
    }

    private static func place(of socket: InheritedSocket) -> String {
        socket.path.isEmpty ? socket.name : socket.path
    }
}
