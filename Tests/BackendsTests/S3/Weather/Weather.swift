import BlobCore
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// An S3 backend whose service is a scripted server on the loopback interface.
struct Weather: Sendable {
    /// What makes the answer to a request that the bucket would answer by `calm`.
    typealias Script =
        @Sendable (_ request: ScriptedRequest, _ calm: () -> ScriptedResponse) async ->
        ScriptedResponse

    /// What a test may want otherwise.
    struct Settings: Sendable {
        var policy = Weather.policy
        /// Long enough for a loaded machine.
        var timeouts = Weather.timeouts(.seconds(30))
        var configuration = S3Configuration()
        var credentials: (any CredentialSource<AWSCredentials>)?
        var clock = SettableClock()
        /// Where the service is instead of at the scripted server.
        var port: UInt16?
        /// Whether the test runs on an event loop, as calls of a server do.
        var runsOnLoop = false
        var early: ScriptedHTTPServer.EarlyScript = { _ in nil }
    }

    let server: ScriptedHTTPServer
    let bucket: CalmBucket
    let backend: S3Backend
    let clock: SettableClock

    static let bucketName = "weather"
    static let partByteCount = 5 << 20
    static let blockingPool = BlockingPool(name: "weather", threadCount: 2)

    /// Four attempts with hardly a pause.
    static let policy: RetryPolicy = {
        var policy = RetryPolicy()
        policy.maximumAttemptCount = 4
        policy.baseDelay = .milliseconds(1)
        policy.throttleBaseDelay = .milliseconds(1)
        policy.maximumDelay = .milliseconds(2)
        policy.maximumRetryAfter = .milliseconds(5)
        return policy
    }()

    static func timeouts(_ patience: Duration) -> CloudTimeouts {
        let timeouts = HTTPTimeouts(connect: .seconds(30), firstByte: patience, stall: patience)
        var long = timeouts
        long.minimumByteRate = 0
        return CloudTimeouts(usual: timeouts, long: long)
    }

    func uri(_ key: String = "key") -> BlobURI {
        BlobURI(scheme: .s3, container: Self.bucketName, key: key)
    }

    /// Reads the whole blob and expects these bytes.
    func expectRead(
        _ expected: Bytes, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let bytes = try await backend.get(uri())
        #expect(bytes == expected, sourceLocation: sourceLocation)
    }

    /// What was asked so far, in short.
    var asked: [String] { server.requests.map(\.summary) }

    /// The values that this header had in all requests so far.
    func values(_ name: String) -> [String?] { server.requests.map { $0[name] } }
}

/// A wall clock that shows what the test wants.
final class SettableClock: Sendable {
    /// 2026-01-02T03:04:05Z
    static let start = Timestamp(milliseconds: 1_767_323_045_000)
    private let time = Mutex(start)
    private let readCount = Mutex(0)
    /// Called whenever somebody looks: before each attempt, for its signature.
    private let onRead: @Sendable (_ number: Int) -> Void

    init(onRead: @escaping @Sendable (_ number: Int) -> Void = { _ in }) {
        self.onRead = onRead
    }

    var now: Timestamp {
        get {
            let number = readCount.withLock { count in
                count += 1
                return count
            }
            onRead(number)
            return time.withLock { $0 }
        }
        set { time.withLock { $0 = newValue } }
    }
}

/// Counts what happens, by name.
final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// How often this name came before.
    func count(_ name: String = "") -> Int {
        counts.withLock { counts in
            defer { counts[name, default: 0] += 1 }
            return counts[name, default: 0]
        }
    }
}

/// Signals when the last reference goes: whoever has the clock has the client.
private final class Canary: Sendable {
    let isGone: Event
    init(_ isGone: Event) { self.isGone = isGone }
    deinit { isGone.signal() }
}

/// Runs `body` with a backend in this weather. Afterwards nothing may be left of it: no task that
/// holds its client, no connection, no memory that it lent.
func withWeather(
    _ settings: Weather.Settings = Weather.Settings(),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ script: @escaping Weather.Script,
    body: (Weather) async throws -> Void
) async throws {
    let bucket = CalmBucket()
    let server = try ScriptedHTTPServer(early: settings.early) { request in
        await script(request) { bucket.answer(request) }
    }
    defer { server.stop() }
    let isGone = Event()
    let memory = try await run(settings, server, bucket, Canary(isGone), body)
    try await isGone.wait()
    try await server.wait { $0.openConnections == 0 }
    #expect(memory.freeByteCount == memory.byteCount, sourceLocation: sourceLocation)
}

/// As `withWeather`, with a service at which nothing goes wrong.
func withCalmWeather(
    _ settings: Weather.Settings = Weather.Settings(),
    sourceLocation: SourceLocation = #_sourceLocation, body: (Weather) async throws -> Void
) async throws {
    try await withWeather(
        settings, sourceLocation: sourceLocation, { _, calm in calm() }, body: body)
}

/// Returns what outlives the backend.
private func run(
    _ settings: Weather.Settings, _ server: ScriptedHTTPServer, _ bucket: CalmBucket,
    _ canary: Canary, _ body: (Weather) async throws -> Void
) async throws -> MemoryBudget {
    let backend = try makeBackend(settings, server, canary)
    let loop = settings.runsOnLoop ? try EventLoop(name: "weather") : nil
    defer { loop?.shutdownAndWait() }
    let weather = Weather(server: server, bucket: bucket, backend: backend, clock: settings.clock)
    do {
        try await withTaskExecutorPreference(loop) { try await body(weather) }
    } catch {
        await backend.close()
        throw error
    }
    await backend.close()
    return backend.store.memory
}

private func makeBackend(
    _ settings: Weather.Settings, _ server: ScriptedHTTPServer, _ canary: Canary
) throws -> S3Backend {
    let clock = settings.clock
    var configuration = settings.configuration
    configuration.endpoint = "http://127.0.0.1:\(settings.port ?? server.port)"
    configuration.region = "us-east-1"
    configuration.identity = .keys(
        accessKeyID: "AKIDWEATHER", secretAccessKey: "secret", sessionToken: nil)
    configuration.partByteCount = Weather.partByteCount
    var engineSettings = HTTPEngineSettings()
    engineSettings.proxy = .none
    engineSettings.idleConnectionLifetime = .seconds(600)
    return try S3Backend(
        configuration: configuration, blockingPool: Weather.blockingPool, environment: .process,
        engineSettings: engineSettings, policy: settings.policy,
        clock: WallClock {
            withExtendedLifetime(canary) { clock.now }
        }, timeouts: settings.timeouts, credentials: settings.credentials)
}
