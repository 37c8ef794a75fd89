import BlobCore
import Testing

@testable import BlobWire

/// One step of a script: what happens, and what the machine makes of it.
enum ScriptStep: Sendable {
    /// A frame comes; the event, or `-`.
    case receive(TestFrame, String)
    /// A frame comes and ends the connection with this code.
    case fail(TestFrame, BlobError.Code)
    /// The owner acts.
    case act(@Sendable (Side) -> Void)
    /// What is written now, whole.
    case write([String])
}

struct Script: Sendable, CustomTestStringConvertible {
    var name: String
    var role = ConnectionRole.server
    var limits = smallLimits()
    var peer = smallLimits()
    var steps: [ScriptStep]
    var testDescription: String { name }
}

@Suite struct ConnectionScriptTests {
    @Test("Scripts", arguments: scripts)
    func run(_ script: Script) throws {
        let side = try Side(script.role, limits: script.limits, peer: script.peer)
        for (index, step) in script.steps.enumerated() {
            switch step {
            case .receive(let frame, let expected):
                #expect(try side.receive(frame) == expected, "step \(index)")
            case .fail(let frame, let code):
                let found = failure { try side.receive(frame) }
                #expect(found == code, "step \(index)")
                side.machine.close(for: WireError(found ?? .other, ""))
            case .act(let body): body(side)
            case .write(let expected): #expect(side.frames() == expected, "step \(index)")
            }
        }
    }

    static func respond(_ streamID: UInt32, isLast: Bool = false) -> ScriptStep {
        .act { $0.machine.sendResponse(streamID: streamID, payload: blank(4), isLast: isLast) }
    }

    static func trailer(_ streamID: UInt32) -> ScriptStep {
        .act { $0.machine.sendTrailer(streamID: streamID, payload: blank(4)) }
    }

    static func send(_ streamID: UInt32, _ byteCount: Int) -> ScriptStep {
        .act { $0.sendData(streamID, byteCount) }
    }

    static func open(_ body: RequestBodyForm) -> ScriptStep {
        .act { _ = $0.machine.openStream(payload: blank(8), body: body) }
    }

    @Test("W-28: the last stream id is the end of a connection")
    func exhaustion() throws {
        let side = try Side(.client)
        side.machine.lastStreamID = UInt32.max - 4
        #expect(side.canOpenStream)
        let streamID = side.machine.openStream(payload: Bytes(), body: .none)
        #expect(streamID == UInt32.max - 2)
        let isExhausted = side.machine.isExhausted
        #expect(isExhausted && !side.canOpenStream)
    }
}
