import BlobCore
import Testing

@testable import BlobWire

/// Two machines, joined by pipes that hold few bytes and move them when they like.
@Suite struct ConnectionSimulationTests {
    @Test(
        "W-21 to W-37: every call ends once, bytes stay in order, nothing stands still",
        arguments: UInt64(1)...100)
    func simulation(seed: UInt64) throws {
        let simulation = try Simulation(seed: seed)
        try simulation.run()
        let failures = simulation.failures.joined(separator: "; ")
        #expect(simulation.failures.isEmpty, "seed \(seed): \(failures)")
    }
}
