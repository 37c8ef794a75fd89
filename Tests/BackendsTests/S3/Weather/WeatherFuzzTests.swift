import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Answers that were right before something gnawed at them: they end in right bytes or in an error,
/// soon, and never in a trap.
@Suite(.timeLimit(.minutes(10))) struct WeatherFuzzTests {
    static let blob = SeededBody(seed: 11, byteCount: 3000).bytes

    /// Random numbers that a failure can be repeated with.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// Damages the head, and the whole answer if `isBodyToo`; then closes, so that nobody waits for
    /// bytes of a length that is a lie.
    private static func gnawed(
        _ answer: ScriptedResponse, seed: UInt64, isBodyToo: Bool
    ) -> ScriptedResponse {
        guard case .send(let bytes)? = answer.steps.first else { return answer }
        var generator = Generator(state: seed)
        var text = Array(bytes)
        let end = isBodyToo ? text.count : answer.headByteCount
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<end, using: &generator)
            guard place < text.count else { continue }
            let length = min(Int.random(in: 1...12, using: &generator), text.count - place)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: text[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: text[place] = UInt8.random(in: 0x30...0x39, using: &generator)
            case 2: text.removeSubrange(place..<place + length)
            case 3: text.insert(contentsOf: text[place..<place + length], at: place)
            case 4: text.removeSubrange(place...)
            default:
                text.insert(
                    contentsOf: Self.morsels.randomElement(using: &generator) ?? [], at: place)
            }
        }
        // Bytes of the head that became bytes of the body could be anybody's: nothing tells them apart.
        if !isBodyToo, endsHeadEarly(text, before: bytes.count - answer.headByteCount) {
            return answer
        }
        let isReset = Int.random(in: 0..<4, using: &generator) == 0
        return ScriptedResponse([.send(Bytes(text)), isReset ? .reset : .close])
    }

    /// Whether there is an empty line before the one in front of the body.
    private static func endsHeadEarly(_ text: [UInt8], before bodyByteCount: Int) -> Bool {
        var lineByteCount = 1
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: "\n") {
                if lineByteCount == 0 { return place + 1 + bodyByteCount != text.count }
                lineByteCount = 0
            } else if byte != UInt8(ascii: "\r") {
                lineByteCount += 1
            }
        }
        return false
    }

    private static let morsels: [[UInt8]] = [
        "\r\n", "\r\n\r\n", "\n", "\u{0}", ":", "HTTP/1.1 100 Continue\r\n\r\n", "-1", "0", "<",
        ">",
        "99999999999999999999", "\r\nContent-Length: 5\r\n", "\r\nTransfer-Encoding: chunked\r\n",
        "\r\nContent-Range: bytes 1-2/3\r\n", "</", "&#0;", "<!--", "<![CDATA[", "]]>", "\u{FEFF}",
        "\r\nETag: \"other\"\r\n", "HTTP/1.1 503 SlowDown\r\nRetry-After: 1\r\n\r\n",
    ].map { Array($0.utf8) }

    /// Every second answer is damaged, each in its own way.
    private func run(
        _ kind: String, seeds: Range<UInt64>, isBodyToo: Bool,
        body: @escaping (Weather, _ seed: UInt64) async throws -> Void
    ) async throws {
        let seed = Deferred<UInt64>()
        try await withWeather { request, calm in
            guard request.summary == kind, let seed = seed.value else { return calm() }
            var generator = Generator(state: seed &* 31 &+ UInt64(request.index))
            guard Bool.random(using: &generator) else { return calm() }
            return Self.gnawed(calm(), seed: generator.next(), isBodyToo: isBodyToo)
        } body: { weather in
            for next in seeds {
                seed.set(next)
                let start = ContinuousClock.now
                do {
                    try await body(weather, next)
                } catch {
                    #expect(error is BlobError, "seed \(next): \(error)")
                }
                #expect(ContinuousClock.now - start < .seconds(240), "seed \(next)")
            }
        }
    }

    @Test func `reads give the right bytes or an error`() async throws {
        try await run("GET", seeds: 0..<300, isBodyToo: false) { weather, seed in
            weather.bucket.put("key", Self.blob)
            let read = try await weather.backend.read(weather.uri())
            var offset = 0
            while let chunk = try await read.source.next() {
                let expected = Self.blob.dropFirst(offset).prefix(chunk.bytes.count)
                #expect(chunk.offset == UInt64(offset), "seed \(seed)")
                #expect(chunk.bytes == expected, "seed \(seed)")
                offset += chunk.bytes.count
            }
            #expect(offset == Self.blob.count, "seed \(seed)")
        }
    }

    @Test func `ranges give the right bytes or an error`() async throws {
        try await run("GET", seeds: 1000..<1200, isBodyToo: false) { weather, seed in
            weather.bucket.put("key", Self.blob)
            let range = ByteRange.suffix(seed % 2999 + 1)
            let bytes = try await weather.backend.get(weather.uri(), range: range)
            #expect(bytes == Self.blob.dropFirst(3000 - bytes.count), "seed \(seed)")
            #expect(UInt64(bytes.count) == seed % 2999 + 1, "seed \(seed)")
        }
    }

    @Test func `listings give what they can or an error`() async throws {
        try await run("GET list", seeds: 2000..<2300, isBodyToo: true) { weather, seed in
            weather.bucket.put("key", Self.blob)
            weather.bucket.put("second", Self.blob)
            let page = try await weather.backend.list(weather.uri(""), options: ListOptions())
            #expect(page.entries.count <= 4, "seed \(seed)")
        }
    }

    @Test func `a completion that succeeds has made the blob`() async throws {
        try await run("POST upload", seeds: 3000..<3200, isBodyToo: true) { weather, seed in
            let uri = weather.uri("key\(seed)")
            let upload = try await weather.backend.createMultipartUpload(
                uri, options: MultipartOptions())
            let part = try await weather.backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.blob), options: UploadPartOptions())
            let result = try await weather.backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(result.byteCount == 3000, "seed \(seed)")
            #expect(weather.bucket.bytes("key\(seed)") == Self.blob, "seed \(seed)")
        }
    }

    @Test func `writes that succeed have made the blob`() async throws {
        try await run("PUT", seeds: 4000..<4200, isBodyToo: true) { weather, seed in
            let key = "key\(seed)"
            try await weather.backend.put(
                weather.uri(key), Self.blob, options: PutOptions(condition: .createOnly))
            #expect(weather.bucket.bytes(key) == Self.blob, "seed \(seed)")
        }
    }

    @Test func `deletions that succeed have deleted the blob`() async throws {
        try await run("POST delete", seeds: 5000..<5200, isBodyToo: true) { weather, seed in
            weather.bucket.put("key", Self.blob)
            let outcomes = try await weather.backend.delete(
                [weather.uri(), weather.uri("second")], options: CallOptions())
            #expect(outcomes.count == 2)
            if case .success = outcomes[0] {
                #expect(weather.bucket.bytes("key") == nil, "seed \(seed)")
            }
        }
    }
}
