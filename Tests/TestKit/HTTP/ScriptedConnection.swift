internal import BlobCore
internal import LinuxIO

/// One connection to a ``ScriptedHTTPServer``: reads requests and follows the script.
final class ScriptedConnection: @unchecked Sendable {
    // @unchecked: touched by its one task, on the loop thread.
    let socket: ScriptedSocket
    private let number: Int
    private unowned let server: ScriptedHTTPServer
    private var buffer: [UInt8] = []

    init(_ socket: ScriptedSocket, number: Int, server: ScriptedHTTPServer) {
        self.socket = socket
        self.number = number
        self.server = server
    }

    func run() async {
        while let head = await readHead(),
            var request = ScriptedRequest(
                rawHead: head, connection: number, index: server.nextIndex())
        {
            if let early = await server.early(request) {
                server.record(request)
                guard await perform(early) else { break }
                continue
            }
            if request["Expect"] == "100-continue" {
                guard await socket.write(Bytes(utf8: "HTTP/1.1 100 Continue\r\n\r\n")) else {
                    break
                }
            }
            let (body, isWhole) = await readBody(Int(request["Content-Length"] ?? "0") ?? 0)
            request.body = body
            guard isWhole else {
                server.recordIncomplete(request)
                break
            }
            server.record(request)
            guard await perform(await server.script(request)) else { break }
        }
        socket.close()
    }

    private func readHead() async -> String? {
        var searched = 0
        while true {
            if let end = endOfHead(from: searched) {
                let head = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeFirst(end)
                return head
            }
            searched = max(0, buffer.count - 3)
            guard let more = await socket.read() else { return nil }
            buffer += more
        }
    }

    private func endOfHead(from start: Int) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        var index = start
        while index + 4 <= buffer.count {
            if Array(buffer[index..<index + 4]) == mark { return index + 4 }
            index += 1
        }
        return nil
    }

    private func readBody(_ byteCount: Int) async -> (Bytes, isWhole: Bool) {
        server.noteUpload(min(buffer.count, byteCount))
        while buffer.count < byteCount {
            guard let more = await socket.read() else { return (Bytes(buffer), false) }
            buffer += more
            server.noteUpload(more.count)
        }
        let body = Bytes(Array(buffer[..<byteCount]))
        buffer.removeFirst(byteCount)
        return (body, true)
    }

    /// Whether the connection goes on.
    private func perform(_ response: ScriptedResponse) async -> Bool {
        for step in response.steps {
            switch step {
            case .send(let bytes):
                guard await socket.write(bytes) else { return false }
            case .sendPattern(let byteCount):
                guard await sendPattern(byteCount) else { return false }
            case .signal(let event): event.signal()
            case .wait(let event):
                guard (try? await event.wait()) != nil, !socket.isClosed else { return false }
            case .stall:
                await socket.waitForEnd()
                return false
            case .close: return false
            case .reset:
                socket.close(resetting: true)
                return false
            }
        }
        return true
    }

    private func sendPattern(_ byteCount: Int) async -> Bool {
        var offset = 0
        while offset < byteCount {
            let count = min(256 << 10, byteCount - offset)
            let piece = Bytes(capacity: count) { target in
                for index in 0..<count {
                    target[index] = ScriptedResponse.patternByte(at: offset + index)
                }
                return count
            }
            guard await socket.write(piece) else { return false }
            offset += count
        }
        return true
    }
}
