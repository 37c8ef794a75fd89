import BlobCore
import BlobRPCServer
import Yams

/// Understands what launchers send: a listener as the configuration file has them, with the same keys
/// and the same checks.
struct LauncherListeners: ListenerReader {
    let mountNames: Set<String>

    func listener(_ text: String) throws(BlobError) -> ListenerConfiguration {
        let section: ConfigurationFile.Listener = try ConfigurationFile.decode(
            text, place: "listener"
        ) { (node) throws(BlobError) in
            guard let mapping = node?.mapping else {
                throw BlobError(.invalidArgument, "it is no map of keys, such as 'path: /run/x'")
            }
            try ConfigurationFile.checkKeys(ofListener: mapping, "")
        }
        // W-102
        try refuse(section.admin != nil, "admin", "only the configuration file makes such a socket")
        try refuse(section.name != nil, "name", "it is for the sockets of a service manager")
        try refuse(!section.path.hasPrefix("/"), "path", "it must be absolute")
        let listener = try Settings.configuration(of: section, mountNames: mountNames)
        try Settings.makeDirectory(ofSocket: listener.path)
        return listener
    }

    private func refuse(
        _ isWrong: Bool, _ key: String, _ reason: String
    ) throws(BlobError) {
        if isWrong { throw BlobError(.invalidArgument, "listener: \(key): \(reason)") }
    }
}
