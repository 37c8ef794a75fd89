import BlobCore
import Testing

@testable import BlobWire

/// W-30 to W-34: windows with absolute offsets.
@Suite struct FlowWindowTests {
    @Test("W-30, W-33: a grant counts once and never shrinks")
    func sendWindow() {
        var window = SendWindow(limit: 10)
        window.spend(4)
        let sameLimit = window.raise(to: 10)
        let lowerLimit = window.raise(to: 3)
        let higherLimit = window.raise(to: 12)
        let repeated = window.raise(to: 12)
        #expect([sameLimit, lowerLimit, higherLimit, repeated] == [false, false, true, false])
        #expect(window.available == 8)
        let highest = window.raise(to: .max)
        #expect(highest)
        #expect(window.available == UInt64.max - 4)
    }

    @Test("W-32: one byte too many is a violation")
    func violation() throws {
        var window = ReceiveWindow(size: 10)
        _ = try window.receive(10)
        #expect(failure { _ = try window.receive(1) } == .creditViolation)
        _ = try window.receive(0)
    }

    @Test("W-34: a quarter consumed is granted")
    func quarter() throws {
        var window = ReceiveWindow(size: 1000)
        _ = try window.receive(300)
        let grants = [249, 1, 50].map { window.consume($0) }
        #expect(grants == [nil, 1250, nil])
    }

    @Test("W-34: what others hold back does not keep the rest of the window from being granted")
    func heldBytesDoNotStarveTheRest() throws {
        // Seven eighths are held for good; the rest must still circulate.
        var window = ReceiveWindow(size: 8 << 20)
        _ = try window.receive(7 << 20)
        var free = 1 << 20
        for round in 0..<50 {
            _ = try window.receive(free)
            let granted = window.consume(free)
            #expect(granted != nil, "round \(round)")
            guard granted != nil else { return }
            free = 1 << 20
        }
    }

    @Test("W-34: whatever the sizes, a sender gets on while anything circulates", arguments: 1...40)
    func circulation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let size = Int.random(in: 64...100_000, using: &generator)
        let held = Int.random(in: 0...(size - size / 4), using: &generator)
        var window = ReceiveWindow(size: UInt64(size))
        var limit = size
        if let granted = try window.receive(held) { limit = Int(granted) }
        var sent = held
        for _ in 0..<200 {
            let piece = min(limit - sent, Int.random(in: 1...size, using: &generator))
            try #require(piece > 0, "stuck: size \(size), held \(held)")
            if let granted = try window.receive(piece) { limit = Int(granted) }
            sent += piece
            var unconsumed = piece
            while unconsumed > 0 {
                let part = Int.random(in: 1...unconsumed, using: &generator)
                unconsumed -= part
                if let granted = window.consume(part) { limit = Int(granted) }
            }
        }
    }
}
