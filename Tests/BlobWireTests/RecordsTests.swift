import BlobCore
import Testing

@testable import BlobWire

/// W-49: bodies made of records.
@Suite struct RecordsTests {
    private func record(_ tag: UInt16, _ value: [UInt8]) -> [UInt8] {
        bigEndian(tag) + bigEndian(UInt16(value.count)) + value
    }

    private func uriRecord(_ text: String) -> [UInt8] {
        record(117, record(1, Array(text.utf8)))
    }

    @Test("W-47: unknown records are passed over unread, critical ones are not")
    func unknownRecords() throws {
        let known = uriRecord("s3://b/k")
        let opaque = record(0x0FFF, [1, 2, 3])
        #expect(try RecordBody.uris(Bytes(opaque + known + opaque)).count == 1)
        #expect(try RecordBody.outcomes(Bytes(opaque)).isEmpty)
        #expect(try RecordBody.listing(Bytes(opaque)).entries.isEmpty)
        let critical = Bytes(record(0x8FFF, []) + known)
        #expect(failure { _ = try RecordBody.uris(critical) } == .badFrame)
        #expect(failure { _ = try RecordBody.outcomes(critical) } == .badFrame)
        #expect(failure { _ = try RecordBody.listing(critical) } == .badFrame)
    }

    @Test("W-49: a bad URI in a record is the caller's mistake, not a broken frame")
    func badURIs() {
        func code(_ text: String) -> BlobError.Code? {
            failure { _ = try RecordBody.uris(Bytes(uriRecord(text))) }
        }
        #expect(code("s3://bucket") == .invalidURI)
        #expect(code("nonsense") == .invalidURI)
        #expect(code("ftp://a/b") == .unsupportedBackend)
        #expect(code("file:///") == .invalidURI)
    }

    @Test("Records survive the round trip")
    func roundTrips() throws {
        let uris = try ["s3://b/k", "file:///a b", "az://c/d"].map { try BlobURI(parsing: $0) }
        #expect(try RecordBody.uris(try RecordBody.encode(uris: uris)) == uris)
        let numbers: [UInt32] = [1, 7, 10_000, .max]
        #expect(try RecordBody.partNumbers(try RecordBody.encode(partNumbers: numbers)) == numbers)
        let parts = [
            UploadedPart(partNumber: 1), UploadedPart(partNumber: 2, etag: "\"e\"", byteCount: 9),
        ]
        #expect(try RecordBody.parts(try RecordBody.encode(parts: parts)) == parts)
        let urls = [
            PresignedURL(url: "https://h/x?s=1", method: "PUT", expiresAt: nil),
            PresignedURL(
                url: "u", method: "GET", headers: ["a": "b", "c": ""],
                expiresAt: Timestamp(milliseconds: -5)),
        ]
        #expect(try RecordBody.urls(try RecordBody.encode(urls: urls)) == urls)
        var failed = BlobError(.permissionDenied, "no", uri: uris[0], origin: .policy)
        failed.retryAfter = .milliseconds(10)
        let outcomes: [Result<DeleteResult, BlobError>] = [
            .success(DeleteResult(existed: true)), .success(DeleteResult(existed: nil)),
            .failure(failed),
        ]
        #expect(try RecordBody.outcomes(try RecordBody.encode(outcomes: outcomes)) == outcomes)
        let entry = ListEntry(
            uri: uris[1], byteCount: 5, etag: "x", lastModified: Timestamp(milliseconds: 77))
        let prefix = try BlobURI(parsingPrefix: "s3://b/dir/")
        let listing = try RecordBody.listing(
            try RecordBody.encode(entries: [entry, entry], commonPrefixes: [prefix]))
        #expect(listing.entries == [entry, entry])
        #expect(listing.commonPrefixes == [prefix])
    }

    @Test("No record at all is an empty list; half a record is an error")
    func edges() throws {
        #expect(try RecordBody.uris(Bytes()).isEmpty)
        let whole = uriRecord("s3://b/k")
        for count in 1..<whole.count {
            #expect(
                failure { _ = try RecordBody.uris(Bytes(Array(whole.prefix(count)))) } == .badFrame)
        }
        #expect(failure { _ = try RecordBody.parts(Bytes(record(114, []))) } == .badFrame)
    }

    @Test("W-41: a record that is too long is an error of the sender")
    func oversize() throws {
        let part = UploadedPart(partNumber: 1, etag: String(repeating: "x", count: 70_000))
        #expect(throws: BlobError.self) { try RecordBody.encode(parts: [part]) }
    }

    @Test("W-103, W-104: what the answers about sockets hold survives")
    func listeners() throws {
        let upload = MultipartUpload(
            uri: try BlobURI(parsing: "blob://job/disk"), uploadID: "one")
        let uploads = [
            OpenUpload(upload: upload, isAborted: true), OpenUpload(upload: upload),
            OpenUpload(upload: upload, error: BlobError(.other, "the store is away")),
        ]
        #expect(try RecordBody.uploads(try RecordBody.encode(uploads: uploads)) == uploads)
        let listeners = [
            ListenerStatus(path: "/run/a", connectionCount: 0, policy: ""),
            ListenerStatus(
                path: "/run/b", connectionCount: .max, policy: "everything", isAdded: true,
                leaseSeconds: 0, endsWithCaller: true),
        ]
        #expect(
            try RecordBody.listeners(try RecordBody.encode(listeners: listeners)) == listeners)
        // A path is what a listener is known by.
        #expect(failure { _ = try RecordBody.listeners(Bytes([0, 118, 0, 0])) } == .badFrame)
    }
}
