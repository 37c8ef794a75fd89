import Backends
import BlobCore
import Foundation
import TestKit
import Testing

/// What is particular about multipart uploads to files (FS-10).
@Suite struct LocalMultipartTests {
    private func begin(_ fixture: LocalFixture) async throws -> MultipartUpload {
        try await fixture.store.createMultipartUpload(
            fixture.uri("blob"), options: MultipartOptions(contentType: "text/plain"))
    }

    private func place(
        _ fixture: LocalFixture, _ upload: MultipartUpload, _ number: UInt32, _ text: String,
        at offset: UInt64
    ) async throws -> UploadedPart {
        try await fixture.store.uploadPart(
            upload, partNumber: number, body: .bytes(Bytes(utf8: text)),
            options: UploadPartOptions(offset: offset))
    }

    private func complete(
        _ fixture: LocalFixture, _ upload: MultipartUpload, _ parts: [UploadedPart]
    ) async throws {
        _ = try await fixture.store.completeMultipartUpload(
            upload, parts: parts, options: CompleteOptions())
    }

    @Test func `IX5 FS-10 abort removes its own staging and nothing else`() async throws {
        let fixture = try LocalFixture()
        try await fixture.put("kept", at: "blob")
        let first = try await begin(fixture)
        let second = try await begin(fixture)
        _ = try await place(fixture, first, 1, "x", at: 0)
        try await fixture.store.abortMultipartUpload(first, options: CallOptions())
        #expect(fixture.stagedNames == ["upload-\(second.uploadID)"])
        #expect(try await fixture.text(at: "blob") == "kept")
    }

    @Test func `FS-10 parts that leave a hole or overlap are not published`() async throws {
        let fixture = try LocalFixture()
        for (offset, size) in [(UInt64(6), UInt64(4)), (4, 4), (.max - 2, 4)] {
            try await fixture.put("kept", at: "blob")
            let upload = try await begin(fixture)
            let first = try await place(fixture, upload, 1, "12345", at: 0)
            do {
                let second = try await place(fixture, upload, 2, "6789", at: offset)
                #expect(second.byteCount == size)
                await expectError(.multipart) {
                    try await complete(fixture, upload, [first, second])
                }
            } catch let error as BlobError {
                #expect(error.code == .tooLarge)
            }
            #expect(try await fixture.text(at: "blob") == "kept")
            // The upload can be put right and completed.
            let second = try await place(fixture, upload, 2, "6789", at: 5)
            if offset != 6 { try await complete(fixture, upload, [first, second]) }
        }
    }

    @Test func `FS-10 an uploader that shares the file system writes into one file`() async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        let urls = try await fixture.store.presignUploadParts(
            upload, partNumbers: [1, 2], options: PresignOptions())
        let url = try #require(urls.first).url
        #expect(urls.allSatisfy { $0.url == url })
        let path = String(url.dropFirst("file://".count))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seek(toOffset: 3)
        try handle.write(contentsOf: Data("de".utf8))
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: Data("abc".utf8))
        try handle.close()
        let wrong = [1, 2].map { UploadedPart(partNumber: $0, byteCount: 3) }
        await expectError(.multipart) { try await complete(fixture, upload, wrong) }
        let right = [
            UploadedPart(partNumber: 1, byteCount: 3), UploadedPart(partNumber: 2, byteCount: 2),
        ]
        try await complete(fixture, upload, right)
        #expect(try await fixture.text(at: "blob") == "abcde")
        #expect(try await fixture.store.head(fixture.uri("blob")).contentType == "text/plain")
        #expect(fixture.stagedNames.isEmpty)
    }

    @Test func `FS-10 nothing written and a part listed is an error`() async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        for part in [UploadedPart(partNumber: 1), UploadedPart(partNumber: 1, byteCount: 4)] {
            await expectError(.multipart) { try await complete(fixture, upload, [part]) }
        }
        try await complete(fixture, upload, [UploadedPart(partNumber: 1, byteCount: 0)])
        #expect(try await fixture.text(at: "blob") == "")
    }

    @Test func `W-82 a page of parts ends after 1000 and says where the next begins`() async throws
    {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        _ = try await fixture.store.uploadPart(
            upload, partNumber: 2, body: .bytes([1]), options: UploadPartOptions())
        // The others as files: a thousand calls take minutes beside all the other tests.
        let staged = ".blobrpc-staging/upload-\(upload.uploadID)"
        #expect(fixture.directory.has("\(staged)/part-2"))
        for number in 2...1001 {
            try fixture.directory.write("x", to: "\(staged)/part-\(2 * number)")
        }
        let first = try await fixture.store.listParts(
            upload, afterPartNumber: 0, options: CallOptions())
        #expect(first.parts.map(\.partNumber) == (1...1000).map { 2 * $0 })
        let next = try #require(first.nextPartNumber)
        let second = try await fixture.store.listParts(
            upload, afterPartNumber: next, options: CallOptions())
        #expect(second.parts.map(\.partNumber) == [2002])
        #expect(second.nextPartNumber == nil)
    }

    @Test func `W-83 a part with an offset that was cut off is no part`() async throws {
        let fixture = try LocalFixture()
        for offset in [UInt64(0), 5 << 20] {
            let upload = try await begin(fixture)
            // Enough to be on the disk before the rest fails to come.
            let cutOff = AsyncThrowingStream<Bytes, any Error> { continuation in
                continuation.yield(Bytes([UInt8](repeating: 7, count: 3 << 20)))
                continuation.finish(throwing: BlobError(.connectionLost, "cut off"))
            }
            await expectError(.connectionLost) {
                _ = try await fixture.store.uploadPart(
                    upload, partNumber: 1, body: BlobBody(cutOff),
                    options: UploadPartOptions(offset: offset))
            }
            let data = ".blobrpc-staging/upload-\(upload.uploadID)/data"
            #expect(fixture.directory.byteCount(of: data) ?? 0 > 0)
            for byteCount in [nil, UInt64(1), 3 << 20] {
                await expectError(.multipart) {
                    try await complete(
                        fixture, upload, [UploadedPart(partNumber: 1, byteCount: byteCount)])
                }
            }
            let page = try await fixture.store.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
            // Sent again, in a file of its own, it is one.
            let part = try await fixture.store.uploadPart(
                upload, partNumber: 1, body: .bytes(Bytes(utf8: "whole")),
                options: UploadPartOptions())
            try await complete(fixture, upload, [part])
            #expect(try await fixture.text(at: "blob") == "whole")
        }
    }

    @Test func `FS-10 parts with and without an offset do not mix`() async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        let first = try await place(fixture, upload, 1, "abc", at: 0)
        let second = try await fixture.store.uploadPart(
            upload, partNumber: 2, body: .bytes([1]), options: UploadPartOptions())
        await expectError(.multipart) { try await complete(fixture, upload, [first, second]) }
        let placed = try await place(fixture, upload, 2, "d", at: 3)
        try await complete(fixture, upload, [first, placed])
        #expect(try await fixture.text(at: "blob") == "abcd")
    }

    @Test func `FS-10 an upload survives a restart and is removed when it expires`() async throws {
        let directory = try TemporaryDirectory()
        let upload: MultipartUpload
        let part: UploadedPart
        do {
            let fixture = try LocalFixture(directory: directory)
            upload = try await begin(fixture)
            part = try await place(fixture, upload, 1, "abc", at: 0)
        }
        let restarted = try LocalFixture(directory: directory)
        let expiring = try await restarted.store.createMultipartUpload(
            restarted.uri("other"), options: MultipartOptions())
        try await complete(restarted, upload, [part])
        #expect(try await restarted.text(at: "blob") == "abc")
        // Two hours without activity: first the file, then the directory that holds it.
        let staged = ".blobrpc-staging/upload-\(expiring.uploadID)"
        for path in ["\(staged)/data", staged] {
            try directory.setModified(path, to: Date(timeIntervalSinceNow: -7200))
        }
        let later = try LocalFixture(directory: directory) { $0.uploadExpiry = .seconds(3600) }
        #expect(later.stagedNames.isEmpty)
        await expectError(.uploadNotFound) {
            _ = try await later.store.listParts(
                expiring, afterPartNumber: 0, options: CallOptions())
        }
        // Expiries beyond the clock are never.
        let never = try LocalFixture(directory: directory) { $0.uploadExpiry = .seconds(Int64.max) }
        _ = try await begin(never)
        #expect(never.stagedNames.count == 1)
    }

    @Test func `FS-10 completing while a part is being written is a conflict`() async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        let first = try await place(fixture, upload, 1, "abc", at: 0)
        let (stream, continuation) = AsyncStream.makeStream(of: Bytes.self)
        continuation.yield(Bytes([UInt8](repeating: 1, count: 2 << 20)))
        let writing = Task {
            try await fixture.store.uploadPart(
                upload, partNumber: 2, body: BlobBody(stream),
                options: UploadPartOptions(offset: 3))
        }
        let data = ".blobrpc-staging/upload-\(upload.uploadID)/data"
        let directory = fixture.directory
        try await TreeWatch(directory.path).wait { directory.byteCount(of: data) ?? 0 > 3 }
        await expectError(.conflict) { try await complete(fixture, upload, [first]) }
        continuation.finish()
        let second = try await writing.value
        try await complete(fixture, upload, [first, second])
        #expect(try await fixture.store.head(fixture.uri("blob")).byteCount == 3 + (2 << 20))
    }

    /// What the parts of an upload are, and what is left of it once it is published.
    enum Remains: CaseIterable, Sendable {
        case ofPlacedPart, ofOnePart, ofSeveralParts

        var names: [String] {
            switch self {
            case .ofPlacedPart: ["record", "placed-1"]
            case .ofOnePart: ["record", "data"]
            case .ofSeveralParts: ["record", "data", "part-1", "part-2"]
            }
        }
    }

    @Test(arguments: Remains.allCases, [WriteCondition.overwrite, .createOnly])
    func `CM-18 a completion that was killed after it had published is known`(
        remains: Remains, condition: WriteCondition
    ) async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        var parts: [UploadedPart] = []
        for number in 1...(remains == .ofSeveralParts ? 2 : 1) as ClosedRange<UInt32> {
            let offset: UInt64? = remains == .ofPlacedPart ? 0 : nil
            parts.append(
                try await fixture.store.uploadPart(
                    upload, partNumber: number, body: .bytes(Bytes(utf8: "abc")),
                    options: UploadPartOptions(offset: offset)))
        }
        let staged = "\(fixture.directory.path)/.blobrpc-staging/upload-\(upload.uploadID)"
        let kept = "\(fixture.directory.path)/kept"
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: false)
        for name in remains.names {
            try FileManager.default.copyItem(
                atPath: "\(staged)/\(name)", toPath: "\(kept)/\(name)")
        }
        let options = CompleteOptions(condition: condition)
        let first = try await fixture.store.completeMultipartUpload(
            upload, parts: parts, options: options)
        // As if the process had ended before it removed the directory.
        try FileManager.default.moveItem(atPath: kept, toPath: staged)
        let second = try await fixture.store.completeMultipartUpload(
            upload, parts: parts, options: options)
        #expect(second == first)
        #expect(fixture.stagedNames.isEmpty)
        let text = remains == .ofSeveralParts ? "abcabc" : "abc"
        #expect(try await fixture.text(at: "blob") == text)
    }

    @Test func `CM-18 completing again finds the blob by the mark of its upload`() async throws {
        let fixture = try LocalFixture()
        let upload = try await begin(fixture)
        let part = try await place(fixture, upload, 1, "abc", at: 0)
        let options = CompleteOptions()
        let first = try await fixture.store.completeMultipartUpload(
            upload, parts: [part], options: options)
        let second = try await fixture.store.completeMultipartUpload(
            upload, parts: [part], options: options)
        #expect(second == first)
        // The mark is nobody's metadata, and a copy is not the upload's work.
        #expect(try await fixture.store.head(fixture.uri("blob")).userMetadata == [:])
        _ = try await fixture.store.copy(
            from: fixture.uri("blob"), to: fixture.uri("copy"), options: CopyOptions())
        _ = try await fixture.store.copy(
            from: fixture.uri("copy"), to: fixture.uri("blob"), options: CopyOptions())
        await expectError(.uploadNotFound) { try await complete(fixture, upload, [part]) }
        // Nor is what somebody else wrote there.
        try await fixture.put("other", at: "blob")
        await expectError(.uploadNotFound) { try await complete(fixture, upload, []) }
        #expect(try await fixture.text(at: "blob") == "other")
    }
}
