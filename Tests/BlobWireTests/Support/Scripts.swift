import BlobCore

@testable import BlobWire

extension ConnectionScriptTests {
    static let scripts: [Script] = [
        Script(
            name: "W-20 ids ascend and are odd",
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                .receive(.request(7, .end), "request 7 empty"),
                .fail(.request(5, .end), .badStream), .write(["GOAWAY last=7 BAD_STREAM"]),
            ]),
        Script(name: "W-20 even id", steps: [.fail(.request(2, .end), .badStream)]),
        Script(name: "W-20 response to a server", steps: [.fail(.response(1, .end), .badFrame)]),
        Script(
            name: "W-20 request to a client", role: .client,
            steps: [
                .fail(.request(1, .end), .badFrame)
            ]),
        Script(
            name: "W-17 stream 0",
            steps: [
                .fail(TestFrame(type: .ping, streamID: 1), .badStream)
            ]),
        Script(name: "W-17 reset of stream 0", steps: [.fail(.reset(0), .badStream)]),
        Script(
            name: "W-21 over the limit is refused and the body is dropped",
            limits: smallLimits(streams: 1),
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                .receive(.request(3), "-"), .receive(.data(3, 1000), "-"),
                .write(["RESPONSE 3 END|NO_DATA", "CREDIT 0 =5000"]),
                respond(1, isLast: true), .write(["RESPONSE 1 END|NO_DATA"]),
                .receive(.request(5, [.end, .noData]), "request 5 none"),
            ]),
        Script(
            name: "W-21 refusals are glitches", limits: smallLimits(streams: 0, glitches: 2),
            steps: [
                .receive(.request(1, .end), "-"), .receive(.request(3, .end), "-"),
                .fail(.request(5, .end), .tooManyGlitches),
            ]),
        Script(
            name: "W-22 a body in pieces",
            steps: [
                .receive(.request(1), "request 1 follows"), .receive(.data(1, 10), "data 1 10"),
                .receive(.data(1, 5, .end), "data 1 5 last"), .fail(.data(1, 1), .badStream),
            ]),
        Script(
            name: "W-22 no data after no body",
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                .fail(.data(1, 1), .badStream),
            ]),
        Script(
            name: "W-23 response, data, trailer",
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                respond(1), send(1, 10), trailer(1),
                .write(["RESPONSE 1", "DATA 1 10", "RESPONSE 1 END|TRAILER"]),
            ]),
        Script(
            name: "W-23 as the client sees it", role: .client,
            steps: [
                open(.none), .write(["REQUEST 1 END|NO_DATA"]),
                .receive(.response(1), "response 1"), .receive(.data(1, 10), "data 1 10"),
                .receive(.response(1, [.end, .trailer]), "trailer 1"),
                .fail(.data(1, 1), .badStream),
            ]),
        Script(
            name: "W-23 data before the response", role: .client,
            steps: [
                open(.none), .fail(.data(1, 1), .badFrame),
            ]),
        Script(
            name: "W-23 two responses", role: .client,
            steps: [
                open(.none), .receive(.response(1), "response 1"), .fail(.response(1), .badFrame),
            ]),
        Script(
            name: "W-23 trailer first", role: .client,
            steps: [
                open(.none), .fail(.response(1, [.end, .trailer]), .badFrame),
            ]),
        Script(
            name: "W-23 trailer without END", role: .client,
            steps: [
                open(.none), .receive(.response(1), "response 1"),
                .fail(.response(1, .trailer), .badFrame),
            ]),
        Script(
            name: "W-23 END on response data", role: .client,
            steps: [
                open(.none), .receive(.response(1), "response 1"),
                .fail(.data(1, 1, .end), .badFrame),
            ]),
        Script(
            name: "W-23 response on a closed stream", role: .client,
            steps: [
                open(.none), .receive(.response(1, [.end, .noData]), "response 1 last"),
                .fail(.response(1, .end), .badStream),
            ]),
        Script(
            name: "W-24 a failure overtakes the queued data",
            peer: smallLimits(stream: 10),
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                respond(1), send(1, 100), .write(["RESPONSE 1", "DATA 1 10"]),
                respond(1, isLast: true), .write(["RESPONSE 1 END|TRAILER"]),
            ]),
        Script(
            name: "W-25 reset and confirmation",
            steps: [
                .receive(.request(1), "request 1 follows"),
                .receive(.reset(1), "reset 1 CANCELLED"), .receive(.reset(1), "-"), .write([]),
                trailer(1), .write(["RESET 1 CANCELLED"]), .receive(.reset(1), "-"),
            ]),
        Script(
            name: "W-25 reset crosses the answer",
            steps: [
                .receive(.request(1, .end), "request 1 empty"), respond(1, isLast: true),
                .receive(.reset(1), "-"), .write(["RESPONSE 1 END|NO_DATA"]), .write([]),
            ]),
        Script(
            name: "W-25 the client drops what still comes", role: .client,
            steps: [
                open(.follows), .receive(.response(1), "response 1"), .write(["REQUEST 1"]),
                .act { $0.machine.resetStream(streamID: 1, code: .cancelled) },
                send(1, 5), .write(["RESET 1 CANCELLED"]),
                .receive(.data(1, 1000), "-"), .write(["CREDIT 0 =5000"]),
                .receive(.reset(1), "reset 1 CANCELLED"), .receive(.reset(1), "-"),
            ]),
        Script(
            name: "W-25 a request comes before its reset", role: .client,
            steps: [
                open(.follows), send(1, 5),
                .act { $0.machine.resetStream(streamID: 1, code: .deadlineExceeded) },
                .write(["REQUEST 1", "RESET 1 DEADLINE_EXCEEDED"]),
            ]),
        Script(
            name: "W-25 reset of a stream that never was",
            steps: [
                .fail(.reset(1), .badStream)
            ]),
        Script(
            name: "W-26 stop drops data and keeps the trailer",
            peer: smallLimits(stream: 10),
            steps: [
                .receive(.request(1, [.end, .noData]), "request 1 none"),
                respond(1), send(1, 100), trailer(1), .write(["RESPONSE 1", "DATA 1 10"]),
                .receive(.stop(1), "stopped 1 CANCELLED"), .receive(.stop(1), "-"),
                .write(["RESPONSE 1 END|TRAILER"]),
            ]),
        Script(
            name: "W-26 a stopped upload has no END", role: .client,
            steps: [
                open(.follows), .receive(.stop(1, .alreadyExists), "stopped 1 ALREADY_EXISTS"),
                send(1, 5), .act { $0.machine.endData(streamID: 1) }, .write(["REQUEST 1"]),
            ]),
        Script(name: "W-26 stop of a stream that never was", steps: [.fail(.stop(3), .badStream)]),
        Script(
            name: "W-27 control frames for ended streams",
            steps: [
                .receive(.request(1, .end), "request 1 empty"), respond(1, isLast: true),
                .write(["RESPONSE 1 END|NO_DATA"]), .receive(.credit(1, 5000), "-"),
                .receive(.stop(1), "-"), .receive(.reset(1), "-"), .write([]),
            ]),
        Script(
            name: "W-30 both windows hold", peer: smallLimits(stream: 60, connection: 100),
            steps: [
                .receive(.request(1, .end), "request 1 empty"),
                .receive(.request(3, .end), "request 3 empty"), respond(1), respond(3),
                send(1, 100), send(3, 100),
                .write(["RESPONSE 1", "RESPONSE 3", "DATA 1 60", "DATA 3 40"]),
                .receive(.credit(1, 100), "-"), .write([]),
                .receive(.credit(0, 130), "-"), .write(["DATA 3 20", "DATA 1 10"]),
            ]),
        Script(
            name: "W-31 credit for a stream that never was",
            steps: [
                .fail(.credit(1, 5), .badStream)
            ]),
        Script(
            name: "W-32 a stream's credit",
            steps: [
                .receive(.request(1), "request 1 follows"), .fail(.data(1, 1001), .creditViolation),
                .write(["GOAWAY last=1 CREDIT_VIOLATION"]),
            ]),
        Script(
            name: "W-32 the connection's credit", limits: smallLimits(connection: 1500),
            steps: [
                .receive(.request(1), "request 1 follows"),
                .receive(.request(3), "request 3 follows"),
                .receive(.data(1, 1000), "data 1 1000"), .fail(.data(3, 501), .creditViolation),
            ]),
        Script(
            name: "W-34 consumed is granted",
            steps: [
                .receive(.request(1), "request 1 follows"), .receive(.data(1, 600), "data 1 600"),
                .act { $0.machine.consumed(streamID: 1, byteCount: 600) },
                .write(["CREDIT 1 =1600"]),
            ]),
        Script(
            name: "W-35 round robin; small before large",
            peer: smallLimits(stream: 1 << 20, connection: 1 << 21),
            steps: [
                .receive(.request(1, .end), "request 1 empty"),
                .receive(.request(3, .end), "request 3 empty"), respond(1), respond(3),
                send(1, 600 << 10), send(3, 300 << 10),
                .receive(.request(5, .end), "request 5 empty"), respond(5, isLast: true),
                .receive(.ping(4), "-"), .receive(.ping(5), "-"),
                .write([
                    "RESPONSE 1", "RESPONSE 3", "RESPONSE 5 END|NO_DATA", "PONG 5", "DATA 1 262144",
                    "DATA 3 262144", "DATA 1 262144", "DATA 3 45056", "DATA 1 90112",
                ]),
            ]),
        Script(
            name: "W-55 ping",
            steps: [
                .receive(.ping(9), "-"), .write(["PONG 9"]),
                .act { $0.machine.ping(echo: 3) }, .write(["PING 3"]), .receive(.pong(3), "pong 3"),
            ]),
        Script(
            name: "W-56 drain",
            steps: [
                .receive(.request(1), "request 1 follows"),
                .act { $0.machine.goAway(code: .shuttingDown, grace: .seconds(30)) },
                .write(["GOAWAY last=1 SHUTTING_DOWN"]), .receive(.request(3, .end), "-"),
                .write(["RESPONSE 3 END|NO_DATA"]), .receive(.data(1, 1, .end), "data 1 1 last"),
                respond(1, isLast: true), .write(["RESPONSE 1 END|NO_DATA"]),
            ]),
        Script(
            name: "W-56 as the client sees it", role: .client,
            steps: [
                open(.none),
                .receive(.goAway(1, .shuttingDown), "goaway last=1 SHUTTING_DOWN 0.0 seconds"),
                .receive(.response(1, .end), "response 1 last"),
            ]),
        Script(
            name: "W-57 resets", limits: smallLimits(streams: 100, glitches: 2),
            steps: [
                .receive(.request(1), "request 1 follows"),
                .receive(.reset(1), "reset 1 CANCELLED"),
                .receive(.request(3), "request 3 follows"),
                .receive(.stop(3), "stopped 3 CANCELLED"),
                .fail(.stop(3), .tooManyGlitches),
            ]),
        Script(
            name: "W-14 unknown frames", limits: smallLimits(glitches: 1),
            steps: [
                .receive(TestFrame(type: FrameType(rawValue: 50), payload: [1]), "-"),
                .fail(TestFrame(type: FrameType(rawValue: 50)), .tooManyGlitches),
            ]),
    ]
}
