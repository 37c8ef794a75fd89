import BlobCore
import BlobRPCServer
import TestKit
import Testing

@testable import BlobWire

/// Names that mean something else to somebody: none of them leads out of a grant.
@Suite struct PathTrickTests {
    @Test(
        "W-91 no spelling of a neighbour's blob reads or writes it",
        arguments: [
            "team/../other/secret", "team/../teamwork/secret", "team/./../other/secret",
            "team/sub/../../other/secret", "../data/other/secret", "/other/secret",
            "//other/secret", "team//../other/secret", "team/..//other/secret",
            "team/%2e%2e/other/secret", "team/%2E%2E%2Fother/secret", "team%2f..%2fother/secret",
            "team\u{0}/../other/secret", "other/secret\u{0}team/a", "team/a\u{0}",
            "team\\..\\other\\secret", "team/..\u{2f}other/secret", "team/\u{2024}\u{2024}/other",
            "teamwork/secret", "team/../../../etc/passwd", "Team/a", "team.", "team/a/", "team/a/.",
        ])
    func neighbour(key: String) async throws {
        try await TenantFixture.with { fixture in
            let before = try await fixture.keys()
            let peer = try await RawPeer.open(path: fixture.path)
            let uri = TenantFixture.uri(key)
            let refusals: Set<BlobError.Code> = [
                .notFound, .invalidURI, .invalidArgument, .permissionDenied, .conflict,
            ]
            for reading: BlobRequest.Arguments in [
                .head(uri, GetOptions()), .get(uri, GetOptions()),
            ] {
                let error = try await peer.error(reading)
                #expect(refusals.contains(error?.code ?? .other), "\(reading)")
            }
            _ = try await peer.error(.delete(uri))
            _ = try await peer.error(.put(uri, PutOptions(), bodyByteCount: nil), flags: .end)
            // Some of them are names like any other: then the blob lies below the grant.
            let made = Set(try await fixture.keys()).subtracting(before)
            #expect(made.allSatisfy { $0.utf8.starts(with: "team/".utf8) }, "\(made)")
            #expect(Set(before).isSubset(of: try await fixture.keys()))
            for neighbour in ["other/secret", "teamwork/secret"] {
                #expect(
                    try await fixture.server.store.get(TenantFixture.uri(neighbour))
                        == Bytes(TenantFixture.ownBlob))
            }
        }
    }

    @Test(
        "bytes that are no UTF-8 are no name",
        arguments: [
            [0xC0, 0xAE, 0xC0, 0xAE], [0xE0, 0x80, 0xAF], [0xC0, 0xAF], [0xF0, 0x80, 0x80, 0xAE],
            [0xFF, 0xFE], [0xED, 0xA0, 0x80],
        ] as [[UInt8]])
    func overlong(bytes: [UInt8]) async throws {
        try await TenantFixture.with { fixture in
            let peer = try await RawPeer.open(path: fixture.path)
            // A request whose name has as many bytes, which are then replaced.
            let place = [UInt8](repeating: UInt8(ascii: "Q"), count: bytes.count)
            let uri = TenantFixture.uri("team/" + String(decoding: place, as: UTF8.self))
            var request = try peer.request(.head(uri, GetOptions()))
            let start = try #require(
                request.bytes.indices.first { request.bytes[$0...].starts(with: place) })
            request.bytes.replaceSubrange(start..<(start + bytes.count), with: bytes)
            try await peer.write(request.bytes)
            guard
                case .failure(let error) = try await peer.answer(
                    on: request.streamID, to: .head)
            else {
                Issue.record("the name was accepted")
                return
            }
            #expect(error.code == .invalidArgument)
            // It cost the call, not the connection.
            #expect(try await peer.error(.head(TenantFixture.uri("team/a"), GetOptions())) == nil)
        }
    }
}
