import TestKit

/// `blobrpcd` as a process of its own in front of several stores.
struct UniformDaemon: Sendable {
    let directory: TemporaryDirectory
    /// A place in each of the stores, in their order.
    let places: [UniformPlace]

    /// - Parameter stores: One of each scheme at most: the configuration has one section for each.
    init(serving stores: [UniformStore]) async throws {
        directory = try TemporaryDirectory()
        var places: [UniformPlace] = []
        for store in stores { places.append(try await store.open(directory)) }
        self.places = places
        // Generous: on a loaded machine a service may not answer for half a minute.
        let common = [
            "drainSeconds: 1", "durability: none", "listeners:", "  - path: \(directory.path)/s",
            "    streamProgressSeconds: 300", "    writeStallSeconds: 300",
        ]
        let text = common + places.flatMap(\.section)
        try directory.write(text.joined(separator: "\n") + "\n", to: "configuration.yaml")
    }

    /// What is served as `file://`.
    static func rootPath(_ directory: TemporaryDirectory) -> String { "\(directory.path)/root" }

    func start() async throws -> ServerProcess {
        try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: Self.rootPath(directory),
            arguments: ["--config", "\(directory.path)/configuration.yaml"])
    }
}
