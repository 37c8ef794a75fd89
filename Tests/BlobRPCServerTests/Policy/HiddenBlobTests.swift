import BlobCore
import BlobRPCClient
import BlobRPCServer
import Synchronization
import TestKit
import Testing

@testable import BlobWire

/// What a socket does not grant looks, over the wire, like what does not exist.
@Suite struct HiddenBlobTests {
    /// Blobs that exist and are hidden, and names that are nothing, in places of all kinds.
    private func hidden(_ server: TestServer) throws -> [BlobURI] {
        [
            TenantFixture.uri("teamwork/secret"), TenantFixture.uri("other/secret"),
            TenantFixture.uri("teamwork/none"), TenantFixture.uri("te"),
            BlobURI(scheme: .blob, container: "nomount", key: "x"),
            try server.uri("mounted/other/secret"), try server.uri("mounted/team/a"),
            try BlobURI(parsing: "file:///etc/passwd"), try BlobURI(parsing: "s3://bucket/x"),
            try BlobURI(parsing: "gs://bucket/x"), try BlobURI(parsing: "az://box/x"),
        ]
    }

    @Test func `W-91 a hidden blob answers as a missing one does, to the last byte`() async throws {
        try await TenantFixture.with { fixture in
            try await fixture.withClient { client in
                for read in [
                    { (uri: BlobURI) in _ = try await client.head(uri) },
                    { (uri: BlobURI) in _ = try await client.get(uri) },
                ] {
                    let missing = TenantFixture.uri("team/none")
                    var miss = try #require(await failure { try await read(missing) })
                    #expect(miss.code == .notFound)
                    #expect(miss.uri == missing.redactedDescription)
                    for uri in try hidden(fixture.server) {
                        let answer = await failure { try await read(uri) }
                        miss.uri = uri.redactedDescription
                        #expect(answer == miss, "\(uri)")
                    }
                    // Below a blob, too: the store has another word for it, the socket has not.
                    let below = TenantFixture.uri("team/a/x")
                    miss.uri = below.redactedDescription
                    #expect(await failure { try await read(below) } == miss)
                }
            }
        }
    }

    @Test func `W-91 writes outside are refused alike, whether or not there is a blob`()
        async throws
    {
        try await TenantFixture.with { fixture in
            let before = try await fixture.keys()
            try await fixture.withClient { client in
                for uri in try hidden(fixture.server) {
                    for write in [
                        { _ = try await client.put(uri, Bytes([9])) },
                        { _ = try await client.delete(uri) },
                        {
                            _ = try await client.copy(
                                from: TenantFixture.uri("team/a"), to: uri, options: CopyOptions())
                        },
                        {
                            _ = try await client.createMultipartUpload(
                                uri, options: MultipartOptions())
                        },
                    ] {
                        let error = await failure(of: write)
                        #expect(error?.code == .permissionDenied, "\(uri)")
                        #expect(error?.origin == .policy)
                    }
                    let error = await failure {
                        _ = try await client.copy(
                            from: uri, to: TenantFixture.uri("team/copy"), options: CopyOptions())
                    }
                    #expect(error?.code == .notFound, "\(uri)")
                }
                let outcomes = try await client.delete(
                    [
                        TenantFixture.uri("team/a"), TenantFixture.uri("other/secret"),
                        TenantFixture.uri("team/none"),
                    ], options: CallOptions())
                #expect(throws: Never.self) { try outcomes[0].get() }
                #expect(throws: BlobError.self) { try outcomes[1].get() }
                #expect(throws: Never.self) { try outcomes[2].get() }
            }
            #expect(try await fixture.keys() == before.filter { $0 != "team/a" })
        }
    }

    @Test func `W-91 no store is asked for what is hidden, so that its time tells nothing`()
        async throws
    {
        let asked = Mutex<[BlobOperation]>([])
        try await TenantFixture.with(
            wrapping: { store in
                ObservedStore(
                    store, intercept: { operation in asked.withLock { $0.append(operation) } })
            }
        ) { fixture in
            try await fixture.withClient { client in
                _ = try await client.get(TenantFixture.uri("team/a"))
                // The start of a name that is granted may be listed, and read no more than others.
                for uri in try hidden(fixture.server) where uri.key != "te" {
                    _ = try? await client.list(uri, options: ListOptions())
                }
                for uri in try hidden(fixture.server) {
                    let upload = MultipartUpload(uri: uri, uploadID: "none")
                    for call in [
                        { _ = try await client.head(uri) }, { _ = try await client.get(uri) },
                        { _ = try await client.put(uri, Bytes([9])) },
                        { _ = try await client.delete(uri) },
                        { _ = try await client.presignGet(uri, options: PresignOptions()) },
                        {
                            _ = try await client.listParts(
                                upload, afterPartNumber: 0, options: CallOptions())
                        },
                        {
                            _ = try await client.completeMultipartUpload(
                                upload, parts: [], options: CompleteOptions())
                        },
                        { try await client.abortMultipartUpload(upload, options: CallOptions()) },
                        {
                            _ = try await client.copy(
                                from: uri, to: TenantFixture.uri("team/copy"),
                                options: CopyOptions())
                        },
                        {
                            _ = try await client.createMultipartUpload(
                                uri, options: MultipartOptions())
                        },
                    ] as [() async throws -> Void] {
                        try? await call()
                    }
                }
                _ = try await client.delete(
                    [TenantFixture.uri("other/secret"), TenantFixture.uri("other/none")],
                    options: CallOptions())
            }
            #expect(asked.withLock { $0 } == [.get])
        }
    }

    @Test func `W-91 a copy needs reading here and writing there`() async throws {
        let scope = ListenerPolicy.Scope.granted([
            PolicyGrant(PolicyGrant.reading, on: TenantFixture.uri("team/")),
            PolicyGrant(PolicyGrant.writing, on: TenantFixture.uri("out/")),
            PolicyGrant([.copy], on: TenantFixture.uri("half/")),
        ])
        try await TenantFixture.with(scope) { fixture in
            try await fixture.withClient { client in
                func copy(_ source: String, _ destination: String) async throws {
                    _ = try await client.copy(
                        from: TenantFixture.uri(source), to: TenantFixture.uri(destination),
                        options: CopyOptions())
                }
                try await copy("team/a", "out/a")
                // What was written cannot be read, and what is read cannot be written.
                #expect(await failure { try await copy("out/a", "out/b") }?.code == .notFound)
                #expect(
                    await failure { try await copy("team/a", "team/b") }?.code == .permissionDenied)
                // Copying is writing: one without the other is neither.
                #expect(
                    await failure { try await copy("team/a", "half/b") }?.code == .permissionDenied)
            }
            #expect(try await fixture.keys().filter { $0.hasPrefix("out/") } == ["out/a"])
        }
    }

    @Test func `W-85 a socket of one mount shows no other, nor what the server does`() async throws
    {
        let other = try TemporaryDirectory()
        let server = try TestServer(mounts: [
            "finance": try BlobURI(parsingPrefix: "file://\(other.path)/finance")
        ])
        let path = try server.addUntrusted("one.sock", .mounts(["data"]))
        let client = try await BlobClient.connect(path: path)
        let info = try await client.serverInfo()
        #expect(info.mounts == ["data"])
        #expect(info.schemes == ["blob"])
        #expect(info.counters.isEmpty)
        let capabilities = try await client.capabilities(
            of: TenantFixture.uri(""), options: CallOptions())
        #expect(capabilities.operations.isDisjoint(with: PolicyGrant.signing))
        #expect(capabilities.operations.contains(.put))
        let hidden = BlobURI(scheme: .blob, container: "finance", key: "")
        let nothing = BlobURI(scheme: .blob, container: "nomount", key: "")
        var answers: [BlobError] = []
        for uri in [hidden, nothing] {
            var error = try #require(
                await failure {
                    _ = try await client.capabilities(of: uri, options: CallOptions())
                })
            #expect(error.uri == uri.redactedDescription)
            error.uri = nil
            answers.append(error)
            #expect(try await client.listAll(uri).isEmpty)
        }
        #expect(answers[0] == answers[1])
        await client.close()
        await server.stop()
    }

    private func instanceOfHello(_ path: String) async throws -> String {
        let peer = try RawPeer(path: path)
        try await peer.write(Preface.bytes + peer.hello())
        let frame = try #require(try await peer.read(until: .hello))
        return try frame.payload.withReader { (reader) throws(WireError) in
            try HelloFrame(&reader).instanceID
        }
    }

    @Test func `W-85 two sockets do not show that one server has both`() async throws {
        let server = try TestServer()
        let trusted = try await server.connect()
        let scope = ListenerPolicy.Scope.mounts(["data"])
        let paths = [
            server.socketPath, try server.addUntrusted("one.sock", scope),
            try server.addUntrusted("two.sock", scope),
        ]
        var instances: [String] = []
        for path in paths {
            let client = try await BlobClient.connect(path: path)
            let instance = try await client.serverInfo().instanceID
            // The same for every connection of the socket: only a restart changes it.
            #expect(try await instanceOfHello(path) == instance)
            #expect(try await instanceOfHello(path) == instance)
            instances.append(instance)
            await client.close()
        }
        #expect(Set(instances).count == 3 && !instances.contains(""))
        // The time that a trusted socket shows is the clock: the next socket is a second younger.
        while try await trusted.serverInfo().uptimeSeconds < 1 {}
        let late = try await BlobClient.connect(path: server.addUntrusted("late.sock", scope))
        let age = try await late.serverInfo().uptimeSeconds
        #expect(try await trusted.serverInfo().uptimeSeconds > age)
        await late.close()
        await trusted.close()
        await server.stop()
    }

    @Test func `W-90 HELLO lists what the socket offers`() async throws {
        let scope = ListenerPolicy.Scope.granted([
            PolicyGrant([.get, .head], on: TenantFixture.uri("team"))
        ])
        try await TenantFixture.with(scope) { fixture in
            let peer = try RawPeer(path: fixture.path)
            try await peer.write(Preface.bytes + peer.hello())
            let answer = try #require(try await peer.read(until: .hello))
            let hello = try answer.payload.withReader { (reader) throws(WireError) in
                try HelloFrame(&reader)
            }
            let offered: [BlobOperation] = [.head, .get, .capabilities, .info]
            #expect(hello.operations == offered.map(\.rawValue))
            let error = try await peer.error(.delete(TenantFixture.uri("team/a")))
            #expect(error?.code == .permissionDenied)
            #expect(error?.origin == .policy)
        }
    }
}
