import Backends
import BlobCore
import BlobRPCClient
import BlobRPCServer
import Synchronization
import TestKit
import Testing

/// Multipart uploads through sockets with grants.
@Suite struct TenantUploadTests {
    private let uri = TenantFixture.uri("team/whole")

    private func part(_ byteCount: Int) -> BlobBody {
        .bytes(Bytes([UInt8](repeating: 7, count: byteCount)))
    }

    @Test func `W-91 an upload of another socket is unknown here`() async throws {
        try await TenantFixture.with { fixture in
            // The same grant on another socket: only the socket differs.
            let otherPath = try fixture.server.addUntrusted("b.sock", TenantFixture.teamScope)
            let other = try await BlobClient.connect(path: otherPath)
            let theirs = try await other.createMultipartUpload(uri, options: MultipartOptions())
            let part = try await other.uploadPart(
                theirs, partNumber: 1, body: part(3), options: UploadPartOptions())
            try await fixture.withClient { client in
                let unknown = MultipartUpload(uri: uri, uploadID: String(repeating: "0", count: 32))
                for use in [
                    { (upload: MultipartUpload) in
                        _ = try await client.uploadPart(
                            upload, partNumber: 1, body: self.part(4), options: UploadPartOptions())
                    },
                    { (upload: MultipartUpload) in
                        _ = try await client.listParts(
                            upload, afterPartNumber: 0, options: CallOptions())
                    },
                    { (upload: MultipartUpload) in
                        _ = try await client.completeMultipartUpload(
                            upload, parts: [part], options: CompleteOptions())
                    },
                ] {
                    let answer = await failure { try await use(theirs) }
                    #expect(answer?.code == .uploadNotFound)
                    #expect(await failure { try await use(unknown) } == answer)
                }
                // W-84: it counts as given up, and is not.
                try await client.abortMultipartUpload(theirs, options: CallOptions())
            }
            _ = try await other.completeMultipartUpload(
                theirs, parts: [part], options: CompleteOptions())
            #expect(try await fixture.server.store.head(uri).byteCount == 3)
            await other.close()
        }
    }

    @Test func `W-91 an upload outside of the grants is unknown, with its right ID too`()
        async throws
    {
        try await TenantFixture.with { fixture in
            let outside = TenantFixture.uri("other/whole")
            let theirs = try await fixture.server.store.createMultipartUpload(
                outside, options: MultipartOptions())
            try await fixture.withClient { client in
                let error = await failure {
                    _ = try await client.uploadPart(
                        theirs, partNumber: 1, body: part(3), options: UploadPartOptions())
                }
                #expect(error?.code == .uploadNotFound)
                try await client.abortMultipartUpload(theirs, options: CallOptions())
                // Under a name that is granted neither.
                let renamed = MultipartUpload(uri: uri, uploadID: theirs.uploadID)
                let other = await failure {
                    _ = try await client.listParts(
                        renamed, afterPartNumber: 0, options: CallOptions())
                }
                #expect(other?.code == .uploadNotFound)
            }
            let page = try await fixture.server.store.listParts(
                theirs, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.isEmpty)
            try await fixture.server.store.abortMultipartUpload(theirs, options: CallOptions())
        }
    }

    @Test func `an upload too many is refused until one is over`() async throws {
        try await TenantFixture.with(configure: { $0.maximumUploadCount = 2 }) { fixture in
            try await fixture.withClient { client in
                func create() async throws -> MultipartUpload {
                    try await client.createMultipartUpload(uri, options: MultipartOptions())
                }
                let first = try await create()
                _ = try await create()
                let error = await failure { _ = try await create() }
                #expect(error?.code == .quotaExceeded)
                #expect(error?.retryAfter != nil)
                try await client.abortMultipartUpload(first, options: CallOptions())
                let second = try await create()
                // One that the store has forgotten, as after its expiry, takes no room for ever.
                try await fixture.server.store.abortMultipartUpload(
                    second, options: CallOptions())
                let expired = await failure {
                    _ = try await client.listParts(
                        second, afterPartNumber: 0, options: CallOptions())
                }
                #expect(expired?.code == .uploadNotFound)
                _ = try await create()
            }
        }
    }

    @Test func `a blob larger than the socket may write is refused, however it comes`() async throws
    {
        try await TenantFixture.with(configure: { $0.maximumBlobByteCount = 100_000 }) { fixture in
            _ = try await fixture.server.store.put(
                TenantFixture.uri("team/large"), body: part(100_001), options: PutOptions())
            try await fixture.withClient { client in
                func code(_ body: () async throws -> Void) async -> BlobError.Code? {
                    await failure(of: body)?.code
                }
                _ = try await client.put(uri, body: part(100_000), options: PutOptions())
                #expect(
                    await code {
                        _ = try await client.put(
                            uri, body: part(100_001), options: PutOptions())
                    } == .tooLarge)
                let unannounced = SeededBody(seed: 1, byteCount: 200_000)
                #expect(
                    await code {
                        let source = BlobBody.bytes(unannounced.bytes).makeSource()
                        _ = try await client.put(
                            uri, body: .stream(source, byteCount: nil), options: PutOptions())
                    } == .tooLarge)
                #expect(
                    await code {
                        _ = try await client.copy(
                            from: TenantFixture.uri("team/large"),
                            to: TenantFixture.uri("team/copy"), options: CopyOptions())
                    } == .tooLarge)
                let upload = try await client.createMultipartUpload(
                    uri, options: MultipartOptions())
                var parts: [UploadedPart] = []
                for number in 1...2 as ClosedRange<UInt32> {
                    var uploaded = try await client.uploadPart(
                        upload, partNumber: number, body: part(60_000), options: UploadPartOptions()
                    )
                    // What the caller says of the size does not count.
                    uploaded.byteCount = 1
                    parts.append(uploaded)
                }
                #expect(
                    await code {
                        _ = try await client.completeMultipartUpload(
                            upload, parts: parts, options: CompleteOptions())
                    } == .tooLarge)
                parts[0].byteCount = nil
                _ = try await client.completeMultipartUpload(
                    upload, parts: [parts[0]], options: CompleteOptions())
                let limits = try await client.capabilities(of: uri, options: CallOptions()).limits
                #expect(limits.maximumBlobByteCount == 100_000)
                #expect(limits.maximumPartByteCount == 100_000)
            }
            #expect(try await fixture.server.store.head(uri).byteCount == 60_000)
        }
    }

    @Test func `a largest blob holds for offsets and for parts that nobody has seen`() async throws
    {
        try await TenantFixture.with(configure: { $0.maximumBlobByteCount = 100_000 }) { fixture in
            try await fixture.withClient { client in
                let upload = try await client.createMultipartUpload(
                    uri, options: MultipartOptions())
                for (offset, byteCount) in [(UInt64(100_001), 0), (99_999, 2), (1 << 40, 1)] {
                    let source = part(byteCount).makeSource()
                    for body in [part(byteCount), .stream(source, byteCount: nil)] {
                        let error = await failure {
                            _ = try await client.uploadPart(
                                upload, partNumber: 1, body: body,
                                options: UploadPartOptions(offset: offset))
                        }
                        #expect(error?.code == .tooLarge, "\(offset)")
                    }
                }
                let error = await failure {
                    _ = try await client.completeMultipartUpload(
                        upload, parts: [UploadedPart(partNumber: 2)], options: CompleteOptions())
                }
                #expect(error?.code == .multipart)
                let last = try await client.uploadPart(
                    upload, partNumber: 1, body: part(100_000), options: UploadPartOptions())
                _ = try await client.completeMultipartUpload(
                    upload, parts: [last], options: CompleteOptions())
            }
            #expect(try await fixture.server.store.head(uri).byteCount == 100_000)
        }
    }

    @Test func `a part that grows between its measuring and the completion is not published`()
        async throws
    {
        let grown = Mutex<MultipartUpload?>(nil)
        try await TenantFixture.with(configure: { $0.maximumBlobByteCount = 100_000 }) { store in
            ObservedStore(store) { (operation) throws(BlobError) in
                guard operation == .completeMultipartUpload,
                    let upload = grown.withLock({ $0.take() })
                else { return }
                _ = try await store.uploadPart(
                    upload, partNumber: 1, body: part(200_000), options: UploadPartOptions())
            }
        } _: { fixture in
            try await fixture.withClient { client in
                let upload = try await client.createMultipartUpload(
                    uri, options: MultipartOptions())
                let small = try await client.uploadPart(
                    upload, partNumber: 1, body: part(10), options: UploadPartOptions())
                grown.withLock { $0 = upload }
                // What the caller says of the size, or does not, does not count.
                let error = await failure {
                    _ = try await client.completeMultipartUpload(
                        upload, parts: [UploadedPart(partNumber: small.partNumber)],
                        options: CompleteOptions())
                }
                #expect(error?.code == .multipart)
            }
            let error = await failure { _ = try await fixture.server.store.head(uri) }
            #expect(error?.code == .notFound)
        }
    }

    @Test(arguments: [nil, UInt64(100_000)])
    func `W-83 a completion that is repeated gets the first answer`(
        maximumBlobByteCount: UInt64?
    ) async throws {
        try await TenantFixture.with(
            configure: { $0.maximumBlobByteCount = maximumBlobByteCount }
        ) { fixture in
            let client = try await BlobClient.connect(path: fixture.path)
            let upload = try await client.createMultipartUpload(uri, options: MultipartOptions())
            let part = try await client.uploadPart(
                upload, partNumber: 1, body: part(7), options: UploadPartOptions())
            func complete(_ client: BlobClient) async throws -> PutResult {
                try await client.completeMultipartUpload(
                    upload, parts: [part], options: CompleteOptions())
            }
            let first = try await complete(client)
            #expect(try await complete(client) == first)
            // Known for this alone.
            let other = await failure {
                _ = try await client.uploadPart(
                    upload, partNumber: 1, body: self.part(1), options: UploadPartOptions())
            }
            #expect(other?.code == .uploadNotFound)
            let path = try fixture.server.addUntrusted("c.sock", TenantFixture.teamScope)
            let stranger = try await BlobClient.connect(path: path)
            let error = await failure { _ = try await complete(stranger) }
            #expect(error?.code == .uploadNotFound)
            await stranger.close()
            await client.close()
        }
    }
}
