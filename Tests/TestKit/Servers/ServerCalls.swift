internal import Foundation

/// What a server of the tests refused, or why a call did not reach it (status 0).
public struct ServerCallFailure: Error, Decodable, CustomStringConvertible {
    /// The error code of the service, or its status as text where an answer has no body.
    public let code: String
    /// The status of HTTP.
    public let status: Int
    /// Why the call did not reach the server.
    public let message: String?
    /// All of it.
    public var description: String { "\(status) \(code) \(message ?? "")" }
}

/// A server of the tests that was started by the scripts and answers calls in lines of JSON.
final class ServerCalls: Sendable {
    /// What the server said of itself when it was ready.
    let firstLine: Data
    private let kind: String
    private let process: LineProcess
    private let answers: PendingAnswers

    /// Starts the server and waits until it is ready.
    static func start(_ kind: String) async throws -> ServerCalls {
        let answers = PendingAnswers()
        let process = try LineProcess(command: [scriptPath, kind]) { line in
            if let line { answers.receive(line) } else { answers.end() }
        }
        let first = try await answers.firstLine()
        return ServerCalls(firstLine: first, kind: kind, process: process, answers: answers)
    }

    private init(firstLine: Data, kind: String, process: LineProcess, answers: PendingAnswers) {
        self.firstLine = firstLine
        self.kind = kind
        self.process = process
        self.answers = answers
    }

    private static var scriptPath: String {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.appendingPathComponent("scripts/servers/start.sh").path
    }

    /// Ends the server and waits for it.
    func stop() {
        process.end()
    }

    /// Sends a call and waits for its answer.
    func call<Answer: Decodable & Sendable>(
        _ operation: String, _ parameters: [String: JSONValue], service: String? = nil,
        as type: Answer.Type
    ) async throws -> Answer {
        let (identifier, pending) = answers.expect()
        let request = Request(
            id: identifier, service: service, operation: operation, parameters: parameters)
        guard process.send(try JSONEncoder().encode(request)) else {
            throw ServerProcessError(description: "\(kind) has ended")
        }
        let answer = try await pending.value()
        let decoder = JSONDecoder()
        if let failure = try decoder.decode(Refusal.self, from: answer).error { throw failure }
        return try decoder.decode(Acceptance<Answer>.self, from: answer).result
    }

    private struct Request: Encodable {
        let id: Int
        let service: String?
        let operation: String
        let parameters: [String: JSONValue]
    }

    private struct Refusal: Decodable {
        let error: ServerCallFailure?
    }

    private struct Acceptance<Answer: Decodable>: Decodable {
        let result: Answer
    }
}
