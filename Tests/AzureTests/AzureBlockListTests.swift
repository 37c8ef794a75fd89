import BlobCore
import TestKit
import Testing

@testable import CloudBackends

/// The list of the blocks that a blob may yet be made of, when it is long.
@Suite(.timeLimit(.minutes(10))) struct AzureBlockListTests {
    /// The service keeps up to 100,000 that are not committed, of all who write the blob.
    @Test(arguments: [100_000, 100_010])
    func `W-82 a list of all blocks that there can be is read, and a longer one is not`(
        _ count: Int
    ) async throws {
        try await AzureFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let part = try await fixture.backend.uploadPart(
                upload, partNumber: 7, body: .bytes(Bytes(utf8: "ours")),
                options: UploadPartOptions())
            let ours = try #require(
                try await fixture.server.blocks(fixture.key("blob")).uncommitted.first)
            let names = Array(repeating: String(repeating: "A", count: 88), count: count - 1)
            let blocks = (names + [ours.identifier]).map {
                "<Block><Name>\($0)</Name><Size>4</Size></Block>"
            }
            _ = try await fixture.fault(
                .blocks,
                [
                    "status": 200,
                    "body": .text(
                        "<BlockList><CommittedBlocks/><UncommittedBlocks>\(blocks.joined())"
                            + "</UncommittedBlocks></BlockList>"),
                ], times: 10)
            func list() async throws -> PartPage {
                try await fixture.backend.listParts(
                    upload, afterPartNumber: 0, options: CallOptions())
            }
            if count == 100_000 {
                #expect(try await list().parts == [part])
            } else {
                await expectError(.backendUnavailable) { _ = try await list() }
            }
        }
    }
}
