import BlobCore

@testable import BlobWire

/// What one call of a simulation does, and how far both ends are.
struct SimulatedCall {
    var streamID: UInt32 = 0
    // The plan.
    var uploadByteCount: Int?
    var downloadByteCount: Int?
    var hasOffsets = false
    /// The server answers after so many bytes, whether or not more come.
    var answersEarlyAt: Int?
    /// The server asks first that no more bytes come.
    var stopsBeforeAnswer = false
    /// The client gives up, or wants no more bytes, when it has received so many.
    var resetsAt: Int?
    var stopsAt: Int?

    // The client.
    var uploadedByteCount = 0
    var isUploadOver = false
    var clientWaits = false
    var downloadedByteCount = 0
    var clientUnconsumed = 0
    var hasResponse = false
    var hasReset = false
    var hasStopped = false
    var endCount = 0
    var wasNotServed = false

    // The server.
    var isServed = false
    var isCancelled = false
    var isHandlerOver = false
    var isUploadWhole = false
    var servedByteCount = 0
    var serverUnconsumed = 0
    var hasAnswered = false
    var sentByteCount = 0
    var serverWaits = false
    var isServerStopped = false

    init(using generator: inout SeededGenerator, largest: Int) {
        func size(_ generator: inout SeededGenerator) -> Int {
            generator.isTrue(oneIn: 10)
                ? Int.random(in: largest / 2...largest, using: &generator)
                : Int.random(in: 0...(largest / 20), using: &generator)
        }
        if generator.isTrue(oneIn: 2) { uploadByteCount = size(&generator) }
        if generator.isTrue(oneIn: 2) { downloadByteCount = size(&generator) }
        hasOffsets = generator.isTrue(oneIn: 2)
        if let upload = uploadByteCount, generator.isTrue(oneIn: 4) {
            answersEarlyAt = Int.random(in: 0...upload, using: &generator)
            stopsBeforeAnswer = generator.isTrue(oneIn: 2)
        }
        if generator.isTrue(oneIn: 4) {
            resetsAt = Int.random(in: 0...(largest / 30), using: &generator)
        }
        if generator.isTrue(oneIn: 5) {
            stopsAt = Int.random(in: 0...(largest / 30), using: &generator)
        }
    }

    var isOver: Bool { endCount > 0 }

    /// Whether the server has all of the request it waits for.
    var canBeAnswered: Bool {
        uploadByteCount == nil || isUploadWhole || servedByteCount >= answersEarlyAt ?? .max
    }

    /// What went wrong, once the call is over.
    func violation(_ index: Int) -> String? {
        if endCount != 1 { return "call \(index) ended \(endCount) times" }
        if wasNotServed || hasReset { return nil }
        if let upload = uploadByteCount, answersEarlyAt == nil, servedByteCount != upload {
            return "call \(index): \(servedByteCount) of \(upload) bytes came up"
        }
        if let download = downloadByteCount, !hasStopped, downloadedByteCount != download {
            return "call \(index): \(downloadedByteCount) of \(download) bytes came down"
        }
        return nil
    }
}
