import Backends
import BlobCore
import BlobRPCServer
import BlobWire
import Foundation
import LinuxIO
import Logging

/// Arguments, configuration file and defaults, resolved: arguments win over the file.
struct Settings {
    let roots: [String]
    let mounts: [String: BlobURI]
    let durability: LocalDurability
    let logLevel: Logger.Level
    let blockingThreadCount: Int
    let cloud: CloudSettings
    let audit: AuditSection?
    let serverConfiguration: ServerConfiguration

    /// - Parameter inherited: The sockets that a service manager made.
    init(_ arguments: Daemon, inherited: [InheritedSocket] = []) throws(BlobError) {
        var file = ConfigurationFile()
        if let path = arguments.config { file = try ConfigurationFile(path: path) }
        var roots = arguments.roots.isEmpty ? file.roots ?? [] : arguments.roots
        if roots.isEmpty { roots = [DefaultPaths.storeDirectory()] }
        self.roots = try roots.map { (root) throws(BlobError) in try Self.absolute(root) }
        var mounts: [String: BlobURI] = [:]
        for (name, base) in file.mounts ?? [:] {
            mounts[name] = try BlobURI(parsingPrefix: base)
        }
        self.mounts = mounts
        durability = try Self.parse(file.durability, "durability", default: .data) {
            LocalDurability(rawValue: $0)
        }
        logLevel = try Self.parse(
            arguments.logLevel ?? file.logLevel, "log level", default: .info
        ) { Logger.Level(rawValue: $0) }
        blockingThreadCount = min(max(1, file.blockingThreads ?? 4), 64)
        cloud = try CloudSettings(arguments, file)
        audit = file.audit
        var server = try Self.server(arguments, file, inherited, mounts: mounts)
        server.schemes = (server.schemes + cloud.schemes).sorted()
        serverConfiguration = server
    }

    private static func server(
        _ arguments: Daemon, _ file: ConfigurationFile, _ inherited: [InheritedSocket],
        mounts: [String: BlobURI]
    ) throws(BlobError) -> ServerConfiguration {
        var listeners = try (file.listeners ?? []).map { (listener) throws(BlobError) in
            try configuration(of: listener, mountNames: Set(mounts.keys))
        }
        if let socket = arguments.socket {
            var listener = listeners.first ?? ListenerConfiguration(path: socket)
            listener.path = try absolute(socket)
            listeners = [listener]
        }
        listeners = try InheritedListeners.assign(inherited, to: listeners)
        if listeners.isEmpty {
            listeners = [ListenerConfiguration(path: DefaultPaths.socketPath())]
        }
        try checkPaths(of: listeners)
        let loopCount = file.eventLoops ?? ProcessInfo.processInfo.activeProcessorCount
        var server = ServerConfiguration(
            listeners: listeners, eventLoopCount: min(max(1, loopCount), 64))
        if let count = file.untrustedEventLoops {
            server.untrustedEventLoopCount = min(max(1, count), 64)
        }
        if let seconds = file.drainSeconds { server.drainTimeout = .seconds(max(0, seconds)) }
        server.agentName = ServerVersion.agentName
        server.mountNames = mounts.keys.sorted()
        server.schemes = mounts.isEmpty ? ["file"] : ["blob", "file"]
        return server
    }

    private static func checkPaths(of listeners: [ListenerConfiguration]) throws(BlobError) {
        var paths: Set<String> = []
        for listener in listeners where !paths.insert(listener.path).inserted {
            throw BlobError(.invalidArgument, "two listeners have the path \(listener.path)")
        }
    }

    static func configuration(
        of file: ConfigurationFile.Listener, mountNames: Set<String>
    ) throws(BlobError) -> ListenerConfiguration {
        let policy = PolicySettings(
            section: file.policy ?? PolicySection(), place: "listener \(file.path): policy",
            mountNames: mountNames)
        let path = try absolute(file.path)
        var listener = ListenerConfiguration(path: path)
        if try policy.isUntrusted() { listener = .untrusted(path: path, scope: .granted([])) }
        if file.admin ?? false {
            // Launchers get no blobs unless the file grants them.
            listener.policy.scope = .granted([])
            listener.policy.administersListeners = true
        }
        listener.mode = try parse(file.mode, "mode", default: 0o600) { text in
            UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        }
        try check(
            !listener.policy.administersListeners || listener.mode & 0o077 == 0,
            "listener \(file.path): mode: a socket with admin: true is 0600")
        listener.name = file.name
        listener.isReadOnly = file.readOnly ?? false
        if let count = file.maximumConnections { listener.maximumConnectionCount = max(1, count) }
        if let count = file.maximumConcurrentCalls {
            listener.limits.maximumStreamCount = max(1, count)
        }
        if let byteCount = file.maximumDataBytes {
            try check(
                listener.limits.acceptsDataByteCount(byteCount),
                "maximumDataBytes must be 16 KiB to 4 MiB")
            listener.limits.frames.maximumDataByteCount = byteCount
        }
        // Less than one frame of credit and no body could ever move.
        let leastCredit = UInt64(listener.limits.frames.maximumDataByteCount)
        if let credit = file.streamCreditBytes {
            try check(UInt64(credit) >= leastCredit, "streamCreditBytes is below one DATA frame")
            listener.limits.streamCreditByteCount = credit
        }
        if let credit = file.connectionCreditBytes {
            try check(credit >= leastCredit, "connectionCreditBytes is below one DATA frame")
            listener.limits.connectionCreditByteCount = credit
        }
        if let seconds = file.maximumCallSeconds {
            listener.maximumTimeout = .seconds(max(1, seconds))
        }
        if let byteCount = file.sendBufferBytes { listener.sendBufferByteCount = byteCount }
        func set(_ seconds: Int64?, _ path: WritableKeyPath<SessionTimeouts, Duration>) {
            if let seconds { listener.timeouts[keyPath: path] = .seconds(max(1, seconds)) }
        }
        set(file.handshakeSeconds, \.handshake)
        set(file.partialFrameSeconds, \.partialFrame)
        set(file.writeStallSeconds, \.writeStall)
        set(file.streamProgressSeconds, \.streamProgress)
        if let seconds = file.idleSeconds { listener.timeouts.idle = .seconds(max(1, seconds)) }
        try policy.apply(to: &listener.policy)
        return listener
    }

    /// Creates the roots and the directories of the sockets where they are missing.
    func makeDirectories() throws(BlobError) {
        for directory in cloud.directories { try Self.makeDirectory(directory, mode: 0o700) }
        for root in roots { try Self.makeDirectory(root, mode: 0o755) }
        try makeSocketDirectories()
    }

    func makeSocketDirectories() throws(BlobError) {
        for listener in serverConfiguration.listeners where listener.inherited == nil {
            try Self.makeDirectory(ofSocket: listener.path)
        }
    }

    static func makeDirectory(ofSocket path: String) throws(BlobError) {
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty { try makeDirectory(parent, mode: 0o700) }
    }

    func makeStore(pool: BlockingPool) throws(BlobError) -> Store {
        let local = try LocalBackend(
            configuration: {
                var configuration = LocalBackendConfiguration(roots: roots, blockingPool: pool)
                configuration.durability = durability
                return configuration
            }())
        let cloud = try cloud.open(pool: pool)
        var backends = cloud.backends
        backends[.file] = local
        return Store(
            dispatcher: try BlobStoreDispatcher(
                backends: backends, mounts: mounts, blockingPool: pool),
            close: { await cloud.close() })
    }

    /// What is served, and what ends what of it has to be ended.
    struct Store {
        let dispatcher: BlobStoreDispatcher
        let close: @Sendable () async -> Void
    }

    private static func makeDirectory(_ path: String, mode: Int) throws(BlobError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: mode])
        } catch {
            throw BlobError(.inputOutput, "cannot create the directory \(path): \(error)")
        }
    }

    private static func check(_ holds: Bool, _ complaint: String) throws(BlobError) {
        guard holds else { throw BlobError(.invalidArgument, complaint) }
    }

    static func absolute(_ path: String) throws(BlobError) -> String {
        guard !path.isEmpty else { throw BlobError(.invalidArgument, "a path is empty") }
        return URL(fileURLWithPath: path).standardizedFileURL.path
    }

    static func choice<Value: RawRepresentable & CaseIterable>(
        _ text: String?, _ name: String, _ value: Value
    ) throws(BlobError) -> Value where Value.RawValue == String {
        guard let text else { return value }
        guard let chosen = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw BlobError(.invalidArgument, "'\(text)' is no \(name); use \(known)")
        }
        return chosen
    }

    /// `path`, if this process can read what is there.
    static func readable(_ path: String?, _ name: String) throws(BlobError) -> String? {
        guard let path else { return nil }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw BlobError(.invalidArgument, "\(name): cannot read \(path)")
        }
        return path
    }

    /// The key of a customer, which is a file of its bytes and nothing else.
    static func encryptionKey(_ path: String?, _ name: String) throws(BlobError) -> [UInt8] {
        guard let path, let key = FileManager.default.contents(atPath: path), key.count == 32 else {
            throw BlobError(.invalidArgument, "\(name) must name a file of 32 bytes")
        }
        return Array(key)
    }

    private static func parse<Value>(
        _ text: String?, _ name: String, default value: Value, _ convert: (String) -> Value?
    ) throws(BlobError) -> Value {
        guard let text else { return value }
        guard let converted = convert(text) else {
            throw BlobError(.invalidArgument, "'\(text)' is no \(name)")
        }
        return converted
    }
}
