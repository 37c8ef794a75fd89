import BlobCore
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Puts of one request and of many.
@Suite(.timeLimit(.minutes(10))) struct S3PutTests {
    private static let partByteCount = 5 << 20

    private static func small(_ configuration: inout S3Configuration) {
        configuration.partByteCount = partByteCount
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-73 streams of unknown length, at and around the ends of parts`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind, configure: Self.small) { fixture in
            let part = Self.partByteCount
            for (byteCount, partCount) in [
                (part - 1, 0), (part, 0), (part + 1, 2), (2 * part, 2), (5 * part + 3, 6),
            ] {
                let body = SeededBody(seed: UInt64(byteCount), byteCount: byteCount)
                let result = try await fixture.backend.put(
                    fixture.uri("blob"),
                    body: .stream(body.source(pieceByteCount: 700_000), byteCount: nil),
                    options: PutOptions(contentType: "text/x", userMetadata: ["k": "v"]))
                #expect(result.byteCount == UInt64(byteCount))
                // The tag tells how many parts it was made of (not 5 MiB: no empty last part).
                let suffix = partCount == 0 ? "" : "-\(partCount)"
                #expect(result.etag.dropLast().dropFirst(33) == suffix)
                #expect(try await fixture.backend.get(fixture.uri("blob")) == body.bytes)
                let head = try await fixture.backend.head(fixture.uri("blob"))
                #expect(head.etag == result.etag)
                #expect(head.contentType == "text/x")
                #expect(head.userMetadata == ["k": "v"])
            }
            try await fixture.expectNothingHalfOpen()
        }
    }

    /// Less memory than the parts that may move at once: they wait for each other.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `a small memory budget is enough, for several at once`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(
            kind,
            configure: {
                $0.partByteCount = 8 << 20
                $0.memoryBudgetByteCount = 16 << 20
            }
        ) { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<3 {
                    group.addTask {
                        let body = SeededBody(seed: UInt64(index), byteCount: (20 << 20) + index)
                        let uri = fixture.uri("blob-\(index)")
                        let length = index == 0 ? nil : UInt64(body.byteCount)
                        _ = try await fixture.backend.put(
                            uri,
                            body: .stream(body.source(pieceByteCount: 1 << 20), byteCount: length),
                            options: PutOptions())
                        #expect(try await fixture.backend.get(uri) == body.bytes)
                    }
                }
                try await group.waitForAll()
            }
            try await fixture.expectNothingHalfOpen()
        }
    }

    /// CM-15, W-73: nothing is stored, and nothing is left half-open.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `CM-15 a body of several parts that is shorter or longer than declared`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind, configure: Self.small) { fixture in
            let body = SeededBody(seed: 1, byteCount: 12 << 20)
            for declared in [body.byteCount + 1, body.byteCount - 1, 11 << 20, 1 << 30] {
                await expectError(.invalidArgument) {
                    _ = try await fixture.backend.put(
                        fixture.uri("blob"),
                        body: .stream(
                            body.source(pieceByteCount: 1 << 20), byteCount: UInt64(declared)),
                        options: PutOptions())
                }
            }
            var options = PutOptions()
            options.expectedSHA256 = [UInt8](repeating: 1, count: 32)
            await expectError(.checksumMismatch) {
                _ = try await fixture.backend.put(
                    fixture.uri("blob"),
                    body: .stream(body.source(pieceByteCount: 1 << 20), byteCount: nil),
                    options: options)
            }
            try await fixture.expectNothingLeft()
        }
    }

    /// CM-14: cancelled after each of the first pieces: while the upload is begun, while parts move.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `CM-14 a cancelled put leaves nothing`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind, configure: Self.small) { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for pieceCount in 1...24 {
                    group.addTask {
                        let count = Mutex(0)
                        let reached = Event()
                        let source = SeededBody(seed: 9, byteCount: 30 << 20).source(
                            pieceByteCount: 1 << 20,
                            onPiece: {
                                let isReached = count.withLock { count in
                                    count += 1
                                    return count == pieceCount
                                }
                                if isReached { reached.signal() }
                            })
                        let put = Task {
                            try await fixture.backend.put(
                                fixture.uri("blob-\(pieceCount)"),
                                body: .stream(source, byteCount: nil), options: PutOptions())
                        }
                        try await reached.wait()
                        put.cancel()
                        await expectError(.cancelled) { _ = try await put.value }
                    }
                }
                try await group.waitForAll()
            }
            try await fixture.expectNothingLeft()
        }
    }

    @Test(
        arguments: S3TestServer.Kind.allCases,
        [S3Configuration.Checksum.none, .crc32c, .crc64nvme, .sha256])
    func `the servers check what is sent along`(
        _ kind: S3TestServer.Kind, _ checksum: S3Configuration.Checksum
    ) async throws {
        try await S3Fixture.with(
            kind,
            configure: {
                Self.small(&$0)
                $0.checksum = checksum
            }
        ) { fixture in
            for byteCount in [8, 100, 100_000, (6 << 20) + 1] {
                let body = SeededBody(seed: 3, byteCount: byteCount).bytes
                let uri = fixture.uri("blob-\(byteCount)")
                try await fixture.backend.put(uri, body)
                #expect(try await fixture.backend.get(uri) == body)
            }
        }
    }
}
