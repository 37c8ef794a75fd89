import BlobCore
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Writes in parts that do not get to their end leave nothing (CM-14, CM-15).
@Suite(.timeLimit(.minutes(10))) struct WeatherUploadTests {
    static let body = SeededBody(seed: 7, byteCount: 16 << 20).bytes

    /// What everything ends with that failed in the middle.
    private func expectNothingLeft(
        _ weather: Weather, sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await weather.backend.store.background.finish()
        let asked = weather.asked
        #expect(asked.filter { $0 == "DELETE upload" }.count == 1, sourceLocation: sourceLocation)
        #expect(!asked.contains("POST upload"), sourceLocation: sourceLocation)
        #expect(weather.bucket.openUploads.isEmpty, sourceLocation: sourceLocation)
        #expect(weather.bucket.versionCount == 0, sourceLocation: sourceLocation)
    }

    @Test(
        arguments: ["1", "2", "4"],
        [(403, "AccessDenied"), (500, "InternalError"), (503, "SlowDown"), (400, "EntityTooSmall")])
    func `a part that is refused gives the upload up`(
        number: String, refusal: (status: Int, code: String)
    ) async throws {
        try await withWeather { request, calm in
            request.query("partNumber") == number
                ? .error(refusal.status, refusal.code) : calm()
        } body: { weather in
            let expected: BlobError.Code =
                [403: .permissionDenied, 500: .backendUnavailable, 503: .backendThrottled][
                    refusal.status] ?? .multipart
            await expectError(expected) {
                _ = try await weather.backend.put(weather.uri(), Self.body)
            }
            await expectNothingLeft(weather)
            let refused = weather.server.requests.filter { $0.query("partNumber") == number }
            #expect(refused.count == (refusal.status >= 500 ? 4 : 1))
        }
    }

    /// What is wrong with a body.
    enum Fault: CaseIterable, Sendable {
        case fails, endsEarly, goesOn, otherChecksum

        var error: BlobError.Code {
            switch self {
            case .fails: .inputOutput
            case .endsEarly, .goesOn: .invalidArgument
            case .otherChecksum: .checksumMismatch
            }
        }
    }

    @Test(arguments: Fault.allCases, [16 << 20, (6 << 20) + 1])
    func `CM-15 a body that is not what was declared stores nothing`(
        fault: Fault, byteCount: Int
    ) async throws {
        try await withCalmWeather { weather in
            let failure = fault == .fails ? BlobError(.inputOutput, "broken disk") : nil
            let isReleased = Event()
            let declared =
                switch fault {
                case .fails, .otherChecksum: byteCount
                case .endsEarly: byteCount + 1
                case .goesOn: byteCount - 1
                }
            var options = PutOptions()
            if fault == .otherChecksum { options.expectedSHA256 = [UInt8](repeating: 1, count: 32) }
            await expectError(fault.error) {
                let source = PieceSource(
                    Self.body.prefix(byteCount), pieceByteCount: 300_000, failure: failure,
                    isReleased: isReleased)
                _ = try await weather.backend.put(
                    weather.uri(), body: .stream(source, byteCount: UInt64(declared)),
                    options: options)
            }
            await expectNothingLeft(weather)
            try await isReleased.wait()
        }
    }

    @Test(arguments: Fault.allCases)
    func `CM-15 a small body that is not what was declared asks for nothing`(
        fault: Fault
    ) async throws {
        try await withCalmWeather { weather in
            let failure = fault == .fails ? BlobError(.inputOutput, "broken disk") : nil
            let source = PieceSource(Self.body.prefix(1000), pieceByteCount: 300, failure: failure)
            var options = PutOptions()
            if fault == .otherChecksum { options.expectedSHA256 = [UInt8](repeating: 1, count: 32) }
            let declared: UInt64 = fault == .goesOn ? 999 : fault == .endsEarly ? 1001 : 1000
            await expectError(fault.error) {
                _ = try await weather.backend.put(
                    weather.uri(), body: .stream(source, byteCount: declared), options: options)
            }
            #expect(weather.asked.isEmpty)
        }
    }

    @Test func `a put whose parts do not fit into memory is refused before it is read`()
        async throws
    {
        try await withCalmWeather { weather in
            // Whoever reads it fails otherwise.
            let source = PieceSource(
                Bytes(), pieceByteCount: 1, failure: BlobError(.inputOutput, "it was read"))
            await expectError(.tooLarge) {
                _ = try await weather.backend.put(
                    weather.uri(), body: .stream(source, byteCount: 40 << 40), options: PutOptions()
                )
            }
            #expect(weather.asked.isEmpty)
        }
    }

    @Test(arguments: Fault.allCases.dropLast(), [1000, 17 << 20])
    func `CM-15 a part that is not what was declared is no part`(
        fault: Fault, byteCount: Int
    ) async throws {
        let bytes = SeededBody(seed: 8, byteCount: byteCount).bytes
        try await withCalmWeather { weather in
            let upload = try await weather.backend.createMultipartUpload(
                weather.uri(), options: MultipartOptions())
            let failure = fault == .fails ? BlobError(.inputOutput, "broken disk") : nil
            let source = PieceSource(bytes, pieceByteCount: 1 << 20, failure: failure)
            // A source that fails does so in the place of its last byte.
            let declared = byteCount + (fault == .goesOn ? -1 : 1)
            await expectError(fault.error) {
                _ = try await weather.backend.uploadPart(
                    upload, partNumber: 1, body: .stream(source, byteCount: UInt64(declared)),
                    options: UploadPartOptions())
            }
            let page = try await weather.backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
        }
    }

    @Test(arguments: [500, 403])
    func `an upload that cannot be given up is noted for the next process`(
        status: Int
    ) async throws {
        let directory = try TemporaryDirectory()
        var settings = Weather.Settings()
        settings.configuration.journalDirectory = directory.path + "/journal"
        let port = Mutex<UInt16>(0)
        try await withWeather(settings) { request, calm in
            switch request.summary {
            case "PUT part": .error(403, "AccessDenied")
            case "DELETE upload": .bare(status)
            default: calm()
            }
        } body: { weather in
            port.withLock { $0 = weather.server.port }
            await expectError(.permissionDenied) {
                _ = try await weather.backend.put(weather.uri(), Self.body)
            }
        }
        let journal = try UploadJournal(
            path: directory.path + "/journal", scheme: .s3,
            endpointName: "127.0.0.1:\(port.withLock { $0 })")
        let notes = journal.abandoned().flatMap { $0.entries.map(\.note) }
        let expected = UploadJournal.Note(
            uri: BlobURI(scheme: .s3, container: Weather.bucketName, key: "key"),
            uploadID: "upload-1")
        #expect(notes == [expected])
    }

    @Test func `an upload that ended well or was given up leaves no note`() async throws {
        let directory = try TemporaryDirectory()
        var settings = Weather.Settings()
        settings.configuration.journalDirectory = directory.path + "/journal"
        try await withWeather(settings) { request, calm in
            request.key == "bad" && request.query("partNumber") == "2"
                ? .error(403, "AccessDenied") : calm()
        } body: { weather in
            try await weather.backend.put(weather.uri("good"), Self.body)
            await expectError(.permissionDenied) {
                _ = try await weather.backend.put(weather.uri("bad"), Self.body)
            }
        }
        #expect(directory.names(in: "journal") == ["lock"])
    }

    @Test func `S3-08 a part that can be sent once is sent when the service agrees`() async throws {
        try await withCalmWeather { weather in
            let upload = try await weather.backend.createMultipartUpload(
                weather.uri(), options: MultipartOptions())
            let body = SeededBody(seed: 8, byteCount: 17 << 20)
            let part = try await weather.backend.uploadPart(
                upload, partNumber: 1,
                body: .stream(body.source(pieceByteCount: 1 << 20), byteCount: 17 << 20),
                options: UploadPartOptions())
            _ = try await weather.backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(weather.bucket.bytes("key") == body.bytes)
            #expect(weather.values("expect") == [nil, "100-continue", nil])
        }
    }

    @Test func `S3-08 a part that can be sent once is not sent to a service that refuses`()
        async throws
    {
        var settings = Weather.Settings()
        settings.early = { request in
            request.query("partNumber") == nil
                ? nil : ScriptedResponse.error(503, "SlowDown").then(.close)
        }
        try await withWeather(settings) { _, calm in
            calm()
        } body: { weather in
            let upload = try await weather.backend.createMultipartUpload(
                weather.uri(), options: MultipartOptions())
            let body = SeededBody(seed: 8, byteCount: 17 << 20)
            let source = body.source(pieceByteCount: 1 << 20)
            await expectError(.backendThrottled) {
                _ = try await weather.backend.uploadPart(
                    upload, partNumber: 1, body: .stream(source, byteCount: 17 << 20),
                    options: UploadPartOptions())
            }
            #expect(weather.values("expect").last == "100-continue")
            #expect(weather.server.counts.uploadedBytes == 0)
            #expect(weather.asked == ["POST uploads", "PUT part"])
        }
    }
}
