import BlobCore
import Testing

extension BlobStoreBehaviour {
    static let writes: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-73 a stream of unknown length is stored whole, with its SHA-256") {
            context in
            // A million times "a": the long vector of FIPS 180.
            let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
            let body = BlobBody(pieces(of: bytes, pieceByteCount: 77_777))
            let result = try await context.store.put(
                context.uri("blob"), body: body, options: PutOptions(computesSHA256: true))
            #expect(result.byteCount == 1_000_000)
            #expect(
                result.sha256.map(hexText)
                    == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
            #expect(try await context.get("blob") == bytes)
        },
        BlobStoreBehaviour("a large stream in small and in huge pieces") { context in
            let bytes = patternBytes(count: (9 << 20) + 1)
            for pieceByteCount in [16 << 10, 4 << 20] {
                let body = BlobBody(
                    pieces(of: bytes, pieceByteCount: pieceByteCount),
                    byteCount: UInt64(bytes.count))
                _ = try await context.store.put(
                    context.uri("blob"), body: body, options: PutOptions())
                #expect(try await context.get("blob") == bytes)
            }
        },
        BlobStoreBehaviour("W-73 SHA-256 is returned only when asked for, also of nothing") {
            context in
            #expect(try await context.put("blob", [1]).sha256 == nil)
            let result = try await context.put(
                "blob", [], options: PutOptions(computesSHA256: true))
            #expect(
                result.sha256.map(hexText)
                    == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        },
        BlobStoreBehaviour("W-73 a wrong SHA-256 stores nothing, the right one does") { context in
            let abc = Array("abc".utf8)
            var digest: [UInt8] = [
                0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
                0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
                0xf2, 0x00, 0x15, 0xad,
            ]
            try await context.put("blob", abc, options: PutOptions(expectedSHA256: digest))
            digest[31] ^= 1
            await expectError(.checksumMismatch) {
                try await context.put("blob", [9], options: PutOptions(expectedSHA256: digest))
            }
            #expect(try await context.get("blob") == abc)
            await expectError(.checksumMismatch) {
                try await context.put("other", abc, options: PutOptions(expectedSHA256: digest))
            }
            await context.expectAbsent("other")
        },
        BlobStoreBehaviour("CM-15 W-73 a body of another length than declared stores nothing") {
            context in
            try await context.put("kept", [1, 2, 3])
            for (actual, declared) in [(10, 11), (11, 10), (0, 1), (3 << 20, (3 << 20) + 1)] {
                let bytes = patternBytes(count: actual)
                for key in ["kept", "new"] {
                    let error = await expectError(.invalidArgument) {
                        _ = try await context.store.put(
                            context.uri(key),
                            body: BlobBody(
                                pieces(of: bytes, pieceByteCount: 100_000),
                                byteCount: UInt64(declared)),
                            options: PutOptions())
                    }
                    #expect(error?.message.isEmpty == false)
                }
            }
            #expect(try await context.get("kept") == [1, 2, 3])
            await context.expectAbsent("new")
        },
        BlobStoreBehaviour("CM-14 W-73 a body that fails stores nothing") { context in
            for pieceCount in [0, 1, 40] {
                let piece = Bytes(patternBytes(count: 100_000))
                let source = FailingSource(
                    pieces: Array(repeating: piece, count: pieceCount),
                    error: BlobError(.stalled, "the test's source failed"))
                await expectError(.stalled, .cancelled) {
                    _ = try await context.store.put(
                        context.uri("blob"), body: .stream(source, byteCount: nil),
                        options: PutOptions())
                }
                await context.expectAbsent("blob")
            }
        },
        BlobStoreBehaviour("CM-14 cancelling a put leaves nothing visible") { context in
            try await context.put("kept", [7])
            for key in ["new", "kept"] {
                let source = EndlessSource(
                    pieces: Array(repeating: Bytes(patternBytes(count: 300_000)), count: 9))
                let uri = context.uri(key)
                let task = Task {
                    try await context.store.put(
                        uri, body: .stream(source, byteCount: nil), options: PutOptions())
                }
                try await source.wasTaken.wait()
                task.cancel()
                await expectError(.cancelled) { _ = try await task.value }
            }
            #expect(try await context.get("kept") == [7])
            await context.expectAbsent("new")
            #expect(try await context.keys() == ["kept"])
        },
        BlobStoreBehaviour("content type and user metadata come back, names in lower case") {
            context in
            guard context.has(.userMetadata) else { return }
            let options = PutOptions(
                contentType: "text/plain; charset=utf-8",
                userMetadata: ["Owner": "A b", "x-1": "", "colour": "blue"])
            try await context.put("blob", [1], options: options)
            let metadata = try await context.store.head(context.uri("blob"))
            #expect(metadata.contentType == "text/plain; charset=utf-8")
            #expect(metadata.userMetadata["owner"] == "A b")
            #expect(metadata.userMetadata["colour"] == "blue")
            let read = try await context.store.read(context.uri("blob"))
            #expect(read.metadata.userMetadata["owner"] == "A b")
            read.source.cancel()
            // A new version does not inherit them.
            try await context.put("blob", [2])
            let replaced = try await context.store.head(context.uri("blob"))
            #expect(replaced.userMetadata.isEmpty)
        },
        BlobStoreBehaviour("more than 2 KiB of user metadata is refused") { context in
            guard context.has(.userMetadata) else { return }
            let most = PutOptions(
                userMetadata: ["k": String(repeating: "v", count: 1000)])
            try await context.put("blob", [1], options: most)
            let tooMuch = PutOptions(
                userMetadata: ["k": String(repeating: "v", count: 2048)])
            await expectError(.tooLarge, .invalidArgument) {
                try await context.put("other", [1], options: tooMuch)
            }
            await context.expectAbsent("other")
        },
    ]

    static let conditions: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-73 create-only writes once") { context in
            guard context.has(.createOnlyPut) else { return }
            let createOnly = PutOptions(condition: .createOnly)
            try await context.put("blob", [1], options: createOnly)
            await expectError(.alreadyExists) {
                try await context.put("blob", [2], options: createOnly)
            }
            #expect(try await context.get("blob") == [1])
            // With a body of several batches too.
            await expectError(.alreadyExists) {
                try await context.put(
                    "blob", patternBytes(count: 3 << 20), options: createOnly)
            }
            #expect(try await context.get("blob") == [1])
        },
        BlobStoreBehaviour("of many create-only writers exactly one wins") { context in
            guard context.has(.createOnlyPut) else { return }
            let winners = await withTaskGroup(of: UInt8?.self) { group in
                for value in UInt8(0)..<16 {
                    group.addTask {
                        let options = PutOptions(condition: .createOnly)
                        let bytes = [UInt8](repeating: value, count: 1000)
                        let result = try? await context.put("race/blob", bytes, options: options)
                        return result == nil ? nil : value
                    }
                }
                return await group.reduce(into: [UInt8]()) { winners, value in
                    if let value { winners.append(value) }
                }
            }
            #expect(winners.count == 1)
            let winner = try #require(winners.first)
            #expect(
                try await context.get("race/blob") == [UInt8](repeating: winner, count: 1000))
        },
        BlobStoreBehaviour("W-73 an if-match write replaces only the version it names") { context in
            guard context.has(.conditionalPut) else { return }
            let first = try await context.put("blob", [1])
            let options = PutOptions(condition: .ifMatch(etag: first.etag))
            let second = try await context.put("blob", [2], options: options)
            await expectError(.preconditionFailed) {
                try await context.put("blob", [3], options: options)
            }
            #expect(try await context.get("blob") == [2])
            await expectError(.preconditionFailed, .notFound) {
                try await context.put("missing", [4], options: options)
            }
            await context.expectAbsent("missing")
            let third = PutOptions(condition: .ifMatch(etag: second.etag))
            try await context.put("blob", [5], options: third)
            #expect(try await context.get("blob") == [5])
        },
        BlobStoreBehaviour("of many if-match writers of one version exactly one wins") { context in
            guard context.has(.conditionalPut) else { return }
            // The window of a wrong implementation is small: several rounds.
            for _ in 0..<context.raceCount {
                let current = try await context.put("blob", [255])
                let winnerCount = await withTaskGroup(of: Bool.self) { group in
                    for value in UInt8(0)..<16 {
                        group.addTask {
                            let options = PutOptions(condition: .ifMatch(etag: current.etag))
                            let won = try? await context.put("blob", [value], options: options)
                            return won != nil
                        }
                    }
                    return await group.reduce(into: 0) { count, won in count += won ? 1 : 0 }
                }
                #expect(winnerCount == 1)
            }
        },
    ]

    static let concurrency: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("IX6 readers never see the bytes of two writers") { context in
            let byteCount = 300_000
            try await context.put("blob", [UInt8](repeating: 0, count: byteCount))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in UInt8(1)...4 {
                    group.addTask {
                        for _ in 0..<8 {
                            try await context.put(
                                "blob", [UInt8](repeating: writer, count: byteCount))
                        }
                    }
                }
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<16 {
                            do {
                                let bytes = try await context.get("blob")
                                #expect(bytes.count == byteCount)
                                #expect(bytes.isUniform, "torn")
                            } catch let error as BlobError {
                                #expect(error.code == .objectChanged)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
        BlobStoreBehaviour("FS-12 puts and deletes in the same new directories do not fail") {
            context in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for round in 0..<10 {
                            let key = "deep/er/\(round % 3)/blob-\(worker)"
                            try await context.put(key, [UInt8(worker)])
                            #expect(try await context.get(key) == [UInt8(worker)])
                            try await context.store.delete(context.uri(key))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await context.keys().isEmpty)
        },
    ]

    private static func hexText(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
