import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit
import Testing

@testable import BlobWire

/// What a socket lets its peers do and know, operation by operation.
@Suite struct PolicyTests {
    /// One request of every operation.
    private func requests(_ server: TestServer) throws -> [BlobRequest.Arguments] {
        let uri = try server.uri("blob")
        let upload = MultipartUpload(uri: uri, uploadID: String(repeating: "0", count: 32))
        return [
            .head(uri, GetOptions()), .get(uri, GetOptions()),
            .put(uri, PutOptions(), bodyByteCount: nil), .delete(uri), .deleteMany,
            .list(try server.uri("below/"), ListOptions()),
            .copy(from: uri, to: try server.uri("copy"), CopyOptions()),
            .presign(.get, uri, PresignOptions()), .presign(.put, uri, PresignOptions()),
            .presign(.head, uri, PresignOptions()), .presign(.delete, uri, PresignOptions()),
            .createMultipartUpload(uri, MultipartOptions()),
            .uploadPart(upload, partNumber: 1, UploadPartOptions(), bodyByteCount: nil),
            .presignUploadParts(upload, PresignOptions()),
            .listParts(upload, afterPartNumber: 0),
            .completeMultipartUpload(upload, CompleteOptions()), .abortMultipartUpload(upload),
            .capabilities(uri), .info,
        ]
    }

    private func status(
        of arguments: BlobRequest.Arguments, _ flags: FrameFlags, _ peer: RawPeer
    ) async throws -> BlobError.Code {
        let streamID = try await peer.call(arguments, flags: flags)
        while let frame = try await peer.read(until: .response) {
            if frame.header.streamID == streamID { return try RawPeer.status(frame) }
        }
        throw BlobError(.connectionLost, "no answer to \(arguments)")
    }

    @Test func `W-86 a socket that may not write says so and refuses what writes`() async throws {
        let server = try TestServer { $0.isReadOnly = true }
        let peer = try RawPeer(path: server.socketPath)
        try await peer.write(Preface.bytes + peer.hello())
        let answer = try #require(try await peer.read(until: .hello))
        let hello = try answer.payload.withReader { (reader) throws(WireError) in
            try HelloFrame(&reader)
        }
        #expect(hello.isReadOnly)
        let reading: Set<BlobOperation> = [
            .head, .get, .list, .presignGet, .presignHead, .listParts, .capabilities, .info,
        ]
        let requests = try requests(server)
        #expect(
            Set(requests.map { BlobRequest($0).operation }) == BlobOperation.ofBlobs)
        for arguments in requests {
            let operation = BlobRequest(arguments).operation
            let flags: FrameFlags = operation.hasRequestBody ? .end : [.end, .noData]
            let status = try await status(of: arguments, flags, peer)
            #expect((status == .readOnly) == !reading.contains(operation), "\(operation)")
        }
        #expect(server.directory.names(in: "root") == [".blobrpc-staging"])
        await server.stop()
    }

    @Test func `W-29 flags that do not fit the operation are INVALID_ARGUMENT`() async throws {
        let server = try TestServer()
        let peer = try await RawPeer.open(path: server.socketPath)
        for arguments in try requests(server) {
            let operation = BlobRequest(arguments).operation
            let wrong: [FrameFlags] = operation.hasRequestBody ? [[.end, .noData]] : [.end, []]
            for flags in wrong {
                let status = try await status(of: arguments, flags, peer)
                #expect(status == .invalidArgument, "\(operation) with \(flags)")
            }
        }
        // Each was an error of its call only.
        #expect(try await status(of: .info, [.end, .noData], peer).rawValue == 0)
        #expect(server.directory.names(in: "root") == [".blobrpc-staging"])
        await server.stop()
    }

    @Test func `W-85 info and capabilities name no blob and no place`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let secret = try server.uri("quarterly-figures")
        try await client.put(secret, Bytes([1]))
        let mount = BlobURI(scheme: .blob, container: "data", key: "quarterly-figures")
        for uri in [secret, mount] {
            _ = try? await client.head(uri)
            _ = try? await client.delete(uri)
        }
        let info = try await client.serverInfo()
        let capabilities = try await client.capabilities(of: mount, options: CallOptions())
        #expect(info.mounts == ["data"])
        #expect(!info.counters.isEmpty)
        for text in ["\(info)", "\(capabilities)"] {
            for hidden in ["quarterly", server.directory.path, "mounted"] {
                #expect(!text.contains(hidden), "\(hidden) in \(text)")
            }
        }
        await client.close()
        await server.stop()
    }
}
