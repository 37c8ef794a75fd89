import BlobCore
import Foundation
import Testing

@testable import BlobWire

/// The vectors that every implementation shares.
@Suite struct VectorTests {
    struct Frame: Decodable, Hashable {
        var type: UInt8
        var stream: UInt32
        var flags: UInt8
        var aux: UInt32
        var payload: String
    }

    struct Hello: Decodable {
        var lowest: UInt16?
        var highest: UInt16?
        var dataLimit: Int?
        var headerLimit: Int?
        var streamCredit: UInt32?
        var connectionCredit: UInt64?
        var calls: UInt32?
        var features: UInt64?
        var agentName: String?
        var instanceID: String?
        var operations: [UInt16]?
        var readOnly: Bool?
    }

    struct Limits: Decodable {
        var calls: UInt32?
        var streamCredit: UInt32?
        var connectionCredit: UInt64?
        var glitches: Int?
    }

    struct Vector: Decodable {
        var rule: String
        var kind: String
        var preface: Bool?
        var frames: [Frame]?
        var error: String?
        var hello: Hello?
        var operation: String?
        var timeout: Int?
        var refused: String?
        var malformed: String?
        var status: String?
        var retry: String?
        var canonical: Bool?
        var record: String?
        var count: Int?
        var role: String?
        var opened: Int?
        var events: [String]?
        var limits: Limits?
    }

    static let files = Repository.files(under: "Vectors").filter { $0.pathExtension == "hex" }

    @Test("Vectors", arguments: files)
    func vector(file: URL) throws {
        let data = bytes(hex: try String(contentsOf: file, encoding: .utf8))
        let json = try Data(contentsOf: file.deletingPathExtension().appendingPathExtension("json"))
        let vector = try JSONDecoder().decode(Vector.self, from: json)
        #expect(vector.rule == file.deletingLastPathComponent().lastPathComponent)
        switch vector.kind {
        case "stream": try stream(data, vector)
        case "hello": hello(data, vector)
        case "request": try request(Bytes(data), vector)
        case "response": response(Bytes(data), vector)
        case "records": records(Bytes(data), vector)
        case "machine": try machine(data, vector)
        default: Issue.record("unknown kind \(vector.kind)")
        }
    }

    @Test("There are vectors")
    func presence() {
        #expect(Self.files.count > 100)
    }

    private func stream(_ data: [UInt8], _ vector: Vector) throws {
        let splits = [[], [Int](repeating: 1, count: data.count), [7, 11, 3]]
        for pieces in splits {
            var receiver = FrameReceiver(
                limits: FrameLimits(), expectsPreface: vector.preface ?? false)
            var found: [Frame] = []
            let code = failure {
                var rest = data[...]
                var sizes = pieces[...]
                while !rest.isEmpty {
                    let wanted = sizes.popFirst() ?? rest.count
                    rest = rest.dropFirst(feed(&receiver, rest.prefix(wanted)))
                    while let frame = try receiver.next() {
                        found.append(
                            Frame(
                                type: frame.header.type.rawValue, stream: frame.header.streamID,
                                flags: frame.header.flags.rawValue, aux: frame.header.auxiliary,
                                payload: hex(frame.payload)))
                    }
                }
            }
            #expect(found == vector.frames)
            #expect(code?.description == vector.error)
        }
    }

    private func hello(_ data: [UInt8], _ vector: Vector) {
        let code = failure {
            let found = try Bytes(data).withReader { (reader) throws(WireError) in
                try HelloFrame(&reader)
            }
            guard let wanted = vector.hello else { return }
            #expect(wanted.lowest ?? found.minimumGeneration == found.minimumGeneration)
            #expect(wanted.highest ?? found.maximumGeneration == found.maximumGeneration)
            let frames = found.frames
            #expect(wanted.dataLimit ?? frames.maximumDataByteCount == frames.maximumDataByteCount)
            #expect(
                wanted.headerLimit ?? frames.maximumHeaderByteCount
                    == frames.maximumHeaderByteCount)
            let credit = found.streamCreditByteCount
            #expect(wanted.streamCredit ?? credit == credit)
            let connection = found.connectionCreditByteCount
            #expect(wanted.connectionCredit ?? connection == connection)
            #expect(wanted.calls ?? found.maximumStreamCount == found.maximumStreamCount)
            #expect(wanted.features ?? found.features.rawValue == found.features.rawValue)
            #expect(wanted.agentName ?? found.agentName == found.agentName)
            #expect(wanted.instanceID ?? found.instanceID == found.instanceID)
            #expect(wanted.operations ?? found.operations == found.operations)
            #expect(wanted.readOnly ?? found.isReadOnly == found.isReadOnly)
        }
        #expect(code?.description == vector.error)
    }

    private func request(_ payload: Bytes, _ vector: Vector) throws {
        do throws(RequestRejection) {
            let request = try BlobRequest(payload: payload)
            #expect("\(request.operation)" == vector.operation)
            #expect(request.timeout ?? .zero == .milliseconds(Int64(vector.timeout ?? 0)))
            if vector.canonical == true { #expect((try? request.encodedPayload()) == payload) }
        } catch {
            switch error {
            case .refused(let error): #expect(error.code.description == vector.refused)
            case .malformed(let error): #expect(error.code.description == vector.malformed)
            }
        }
    }

    private func response(_ payload: Bytes, _ vector: Vector) {
        let names = ["never", "not started", "backoff", "after delay", "caller decides"]
        let code = failure {
            let response: BlobResponse
            if let operation = BlobOperation.allCases.first(where: { "\($0)" == vector.operation })
            {
                response = try BlobResponse(payload: payload, answering: operation)
            } else {
                response =
                    try BlobResponse.trailerError(payload: payload).map { .failure($0) } ?? .done
            }
            guard case .failure(let error) = response else {
                #expect(vector.status == "OK")
                if vector.canonical == true { #expect(try response.encodedPayload() == payload) }
                return
            }
            let number = "0x0" + String(error.code.rawValue, radix: 16, uppercase: true)
            #expect(BlobError.Code.names[error.code] ?? number == vector.status)
            #expect(names[Int(error.retry.rawValue)] == vector.retry)
            if vector.canonical == true { #expect(try response.encodedPayload() == payload) }
        }
        #expect(code?.description == vector.error)
    }

    private func records(_ body: Bytes, _ vector: Vector) {
        let code = failure {
            let again: Bytes
            let count: Int
            switch vector.record {
            case "uri":
                let values = try RecordBody.uris(body)
                (count, again) = (values.count, try RecordBody.encode(uris: values))
            case "part":
                let values = try RecordBody.parts(body)
                (count, again) = (values.count, try RecordBody.encode(parts: values))
            case "url":
                let values = try RecordBody.urls(body)
                (count, again) = (values.count, try RecordBody.encode(urls: values))
            case "outcome":
                let values = try RecordBody.outcomes(body)
                (count, again) = (values.count, try RecordBody.encode(outcomes: values))
            default:
                let values = try RecordBody.listing(body)
                count = values.entries.count + values.commonPrefixes.count
                again = try RecordBody.encode(
                    entries: values.entries, commonPrefixes: values.commonPrefixes)
            }
            #expect(count == vector.count)
            if vector.canonical == true { #expect(again == body) }
        }
        #expect(code?.description == vector.error)
    }

    private func machine(_ data: [UInt8], _ vector: Vector) throws {
        var limits = ConnectionLimits()
        limits.maximumStreamCount = vector.limits?.calls ?? limits.maximumStreamCount
        limits.streamCreditByteCount = vector.limits?.streamCredit ?? limits.streamCreditByteCount
        limits.connectionCreditByteCount =
            vector.limits?.connectionCredit ?? limits.connectionCreditByteCount
        limits.maximumGlitchCount = vector.limits?.glitches ?? limits.maximumGlitchCount
        let side = try Side(vector.role == "client" ? .client : .server, limits: limits)
        for _ in 0..<(vector.opened ?? 0) {
            _ = side.machine.openStream(payload: blank(8), body: .follows)
        }
        let frames = try receiveAll(data)
        var events: [String] = []
        let code = failure { for frame in frames { events.append(try side.receive(frame)) } }
        #expect(code?.description == vector.error)
        if let expected = vector.events { #expect(events == expected) }
        if vector.error != nil { #expect(events.count == frames.count - 1) }
    }
}
