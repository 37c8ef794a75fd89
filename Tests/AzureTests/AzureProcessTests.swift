import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// The real server in front of the oracle: its callers have no credentials; killed, ended, used up.
@Suite(.timeLimit(.minutes(10))) struct AzureProcessTests {
    @Test(arguments: AzureFixture.Identity.allCases, BlobStoreBehaviour.all)
    func `azure through the socket`(
        _ identity: AzureFixture.Identity, _ behaviour: BlobStoreBehaviour
    ) async throws {
        let daemon = try await AzureDaemon(identity)
        try await daemon.with { client in
            try await behaviour.run(
                BehaviourContext(
                    store: client, base: daemon.uri("base"), refusesRewrittenKeys: true))
        }
    }

    @Test func `a mount of azure serves the place it names`() async throws {
        let daemon = try await AzureDaemon(mount: true)
        try await daemon.with { client in
            let mounted = BlobURI(scheme: .blob, container: "place", key: "a/b")
            try await client.put(mounted, Bytes(utf8: "mounted"))
            #expect(try await client.get(daemon.uri("a/b")) == Bytes(utf8: "mounted"))
            let page = try await client.list(
                BlobURI(scheme: .blob, container: "place", key: ""), options: ListOptions())
            #expect(page.entries.map(\.uri) == [mounted])
            // The name of an upload is of the blob and not of the way to it.
            let upload = try await client.createMultipartUpload(
                mounted, options: MultipartOptions())
            let part = try await client.uploadPart(
                upload, partNumber: 1, body: .bytes(Bytes(utf8: "x")),
                options: UploadPartOptions())
            _ = try await client.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(try await client.get(mounted) == Bytes(utf8: "x"))
        }
    }

    @Test func `AZ-01 every form of a URI leads to the account that is configured`()
        async throws
    {
        let daemon = try await AzureDaemon()
        try await daemon.with { client in
            let place = "\(daemon.service.description.bucket)/\(daemon.key("blob"))"
            let account = try #require(daemon.service.description.azure?.account)
            let host = "\(daemon.service.description.bucket)@\(account).dfs.core.windows.net"
            try await client.put(daemon.uri("blob"), Bytes(utf8: "x"))
            for form in [
                "az://\(place)", "azure://\(place)", "abfs://\(host)/\(daemon.key("blob"))",
                "abfss://\(host)/\(daemon.key("blob"))",
                "https://\(account).blob.core.windows.net/\(place)",
                "https://\(account).dfs.core.windows.net/\(place)",
                "\(daemon.service.description.endpoint)/\(place)",
            ] {
                let uri = try BlobURI(parsing: form)
                #expect(try await client.get(uri) == Bytes(utf8: "x"), "\(form)")
            }
            for form in [
                "https://other.blob.core.windows.net/\(place)",
                "http://127.0.0.1:1/\(account)/\(place)", "abfs://c@other.dfs.core.windows.net/k",
            ] {
                let uri = try BlobURI(parsing: form)
                await expectError(.unsupportedBackend) { _ = try await client.get(uri) }
            }
        }
    }

    @Test func `kill -9 in a put of many parts leaves nothing to be seen`() async throws {
        let daemon = try await AzureDaemon()
        let first = try await daemon.start()
        let client = try await BlobClient.connect(path: first.socketPath)
        let put = try await daemon.beginPut(client, "blob")
        first.kill(9)
        #expect(await first.waitUntilExit() == -9)
        await #expect(throws: BlobError.self) { try await put.value }
        await client.close()
        #expect(try await daemon.service.head(daemon.key("blob")) == nil)
        // The blocks of the dead put are dropped by the next one, and are in nobody's way.
        try await daemon.with { successor in
            let body = SeededBody(seed: 2, byteCount: 11 << 20).bytes
            _ = try await successor.put(daemon.uri("blob"), body)
            #expect(try await successor.get(daemon.uri("blob")) == body)
            let blocks = try await daemon.service.blocks(daemon.key("blob"))
            #expect(blocks.uncommitted.isEmpty && blocks.committed.count == 3)
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `an upload goes on after a restart of the server`(
        _ identity: AzureFixture.Identity
    ) async throws {
        let daemon = try await AzureDaemon(identity)
        let options = MultipartOptions(
            contentType: "text/x-kept", userMetadata: ["my-name": "a  b", "empty": ""])
        var upload = MultipartUpload(uri: daemon.uri("blob"), uploadID: "")
        var parts: [UploadedPart] = []
        try await daemon.with { client in
            upload = try await client.createMultipartUpload(daemon.uri("blob"), options: options)
            parts = [
                try await client.uploadPart(
                    upload, partNumber: 1, body: .bytes(Bytes(utf8: "one ")),
                    options: UploadPartOptions())
            ]
        }
        try await daemon.with { client in
            let page = try await client.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts == parts)
            parts.append(
                try await client.uploadPart(
                    upload, partNumber: 2, body: .bytes(Bytes(utf8: "two")),
                    options: UploadPartOptions()))
            let result = try await client.completeMultipartUpload(
                upload, parts: parts, options: CompleteOptions())
            #expect(try await client.get(daemon.uri("blob")) == Bytes(utf8: "one two"))
            let metadata = try await client.head(daemon.uri("blob"))
            #expect(metadata.etag == result.etag)
            #expect(metadata.contentType == "text/x-kept")
            #expect(metadata.userMetadata == options.userMetadata)
        }
    }

    @Test func `CM-14 a server that is told to end stops what it had begun`() async throws {
        let daemon = try await AzureDaemon()
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        let put = try await daemon.beginPut(client, "blob")
        server.kill(15)
        await #expect(throws: BlobError.self) { try await put.value }
        #expect(await server.waitUntilExit() == 0)
        await client.close()
        #expect(try await daemon.service.keys(prefix: daemon.prefix) == [])
    }

    /// CM-14: the second hundred of cancelled calls must not cost what the first did not.
    @Test func `CM-14 cancelled gets and puts leave no descriptor open and no blob`()
        async throws
    {
        let daemon = try await AzureDaemon()
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        _ = try await client.put(
            daemon.uri("blob"), SeededBody(seed: 1, byteCount: 20 << 20).bytes)
        try await HeldPuts.cancel(
            30, by: client, blob: daemon.uri("blob"), target: daemon.uri)
        let before = try server.openDescriptorCount()
        try await HeldPuts.cancel(
            60, by: client, blob: daemon.uri("blob"), target: daemon.uri)
        // Connections that wait for the next request come and go, a few at a time.
        while try server.openDescriptorCount() > before + 16 { await Task.yield() }
        #expect(try await client.get(daemon.uri("blob")).count == 20 << 20)
        #expect(try await daemon.service.keys(prefix: daemon.prefix).count == 1)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
