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
    let serverConfiguration: ServerConfiguration

    init(_ arguments: Daemon) throws(BlobError) {
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
        var server = try Self.server(arguments, file, mounts: mounts)
        server.schemes = (server.schemes + cloud.schemes).sorted()
        serverConfiguration = server
    }

    private static func server(
        _ arguments: Daemon, _ file: ConfigurationFile, mounts: [String: BlobURI]
    ) throws(BlobError) -> ServerConfiguration {
        var listeners = try (file.listeners ?? []).map { (listener) throws(BlobError) in
            try configuration(of: listener)
        }
        if let socket = arguments.socket {
            var listener = listeners.first ?? ListenerConfiguration(path: socket)
            listener.path = try absolute(socket)
            listeners = [listener]
        }
        if listeners.isEmpty {
            listeners = [ListenerConfiguration(path: DefaultPaths.socketPath())]
        }
        let loopCount = file.eventLoops ?? ProcessInfo.processInfo.activeProcessorCount
        var server = ServerConfiguration(
            listeners: listeners, eventLoopCount: min(max(1, loopCount), 64))
        if let seconds = file.drainSeconds { server.drainTimeout = .seconds(max(0, seconds)) }
        server.agentName = ServerVersion.agentName
        server.mountNames = mounts.keys.sorted()
        server.schemes = mounts.isEmpty ? ["file"] : ["blob", "file"]
        return server
    }

    private static func configuration(
        of file: ConfigurationFile.Listener
    ) throws(BlobError) -> ListenerConfiguration {
        var listener = ListenerConfiguration(path: try absolute(file.path))
        listener.mode = try parse(file.mode, "mode", default: 0o600) { text in
            UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        }
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
        listener.maximumTimeout = file.maximumCallSeconds.map { .seconds(max(1, $0)) }
        if let byteCount = file.sendBufferBytes { listener.sendBufferByteCount = byteCount }
        func set(_ seconds: Int64?, _ path: WritableKeyPath<SessionTimeouts, Duration>) {
            if let seconds { listener.timeouts[keyPath: path] = .seconds(max(1, seconds)) }
        }
        set(file.handshakeSeconds, \.handshake)
        set(file.partialFrameSeconds, \.partialFrame)
        set(file.writeStallSeconds, \.writeStall)
        set(file.streamProgressSeconds, \.streamProgress)
        listener.timeouts.idle = file.idleSeconds.map { .seconds(max(1, $0)) }
        return listener
    }

    /// Creates the roots and the directories of the sockets where they are missing.
    func makeDirectories() throws(BlobError) {
        for directory in cloud.directories { try Self.makeDirectory(directory, mode: 0o700) }
        for root in roots { try Self.makeDirectory(root, mode: 0o755) }
        for listener in serverConfiguration.listeners {
            let parent = (listener.path as NSString).deletingLastPathComponent
            if !parent.isEmpty { try Self.makeDirectory(parent, mode: 0o700) }
        }
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
            dispatcher: try BlobStoreDispatcher(backends: backends, mounts: mounts),
            close: cloud.close)
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
