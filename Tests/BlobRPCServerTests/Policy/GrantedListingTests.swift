import BlobCore
import BlobRPCClient
import BlobRPCServer
import TestKit
import Testing

/// Listings show what is granted, and are made from nothing else.
@Suite struct GrantedListingTests {
    private static let scope = ListenerPolicy.Scope.granted([
        PolicyGrant([.list], on: TenantFixture.uri("in/one")),
        PolicyGrant([.list], on: TenantFixture.uri("in/two/")),
        PolicyGrant([.list], on: TenantFixture.uri("in/two/deeper")),
        PolicyGrant([.list], on: TenantFixture.uri("inner")),
        PolicyGrant([.get], on: TenantFixture.uri("read-only")),
    ])
    private static let keys = [
        "a", "in/one", "in/one-more", "in/three/x", "in/two/deeper/x", "in/two/x", "in/two/y",
        "inner/x", "innermost", "read-only/x", "z",
    ]

    private func list(
        _ prefix: String, _ options: ListOptions = ListOptions()
    ) async throws -> (keys: [String], prefixes: [String]) {
        var result: (keys: [String], prefixes: [String]) = ([], [])
        try await TenantFixture.with(Self.scope) { fixture in
            for key in Self.keys {
                _ = try await fixture.server.store.put(TenantFixture.uri(key), Bytes([1]))
            }
            try await fixture.withClient { client in
                var options = options
                repeat {
                    let page = try await client.list(TenantFixture.uri(prefix), options: options)
                    #expect(
                        page.entries.count + page.commonPrefixes.count
                            <= Int(options.pageEntryCount))
                    result.keys += page.entries.map(\.uri.key)
                    result.prefixes += page.commonPrefixes.map(\.key)
                    options.pageToken = page.nextPageToken
                    // A token shows nothing of what lies beside.
                    for hidden in ["more", "three", "most", "secret", "team"] {
                        #expect(page.nextPageToken?.contains(hidden) != true)
                    }
                } while options.pageToken != nil
            }
        }
        return result
    }

    private static let granted = [
        "in/one", "in/two/deeper/x", "in/two/x", "in/two/y", "inner/x",
    ]

    @Test(
        "W-92 a listing above the grants shows the granted, in order",
        arguments: [1, 2, 1000] as [UInt32])
    func above(pageEntryCount: UInt32) async throws {
        let result = try await list("", ListOptions(pageEntryCount: pageEntryCount))
        #expect(result.keys == Self.granted)
        #expect(result.prefixes == [])
    }

    @Test func `W-92 prefixes between segments and grants`() async throws {
        #expect(try await list("in/o").keys == ["in/one"])
        #expect(try await list("in/one").keys == ["in/one"])
        #expect(try await list("in/two/").keys == ["in/two/deeper/x", "in/two/x", "in/two/y"])
        #expect(try await list("in/two/d").keys == ["in/two/deeper/x"])
        #expect(try await list("inner").keys == ["inner/x"])
        #expect(try await list("innermost").keys == [])
        #expect(try await list("read-only/").keys == [])
        #expect(try await list("team/").keys == [])
    }

    @Test func `W-92 groups stand for what is granted in them, once`() async throws {
        let top = try await list("", ListOptions(delimiter: "/"))
        #expect(top.keys == [])
        #expect(top.prefixes == ["in/", "inner/"])
        let middle = try await list("in/", ListOptions(delimiter: "/"))
        #expect(middle.keys == ["in/one"])
        #expect(middle.prefixes == ["in/two/"])
        let within = try await list("in/two/", ListOptions(delimiter: "/"))
        #expect(within.keys == ["in/two/x", "in/two/y"])
        #expect(within.prefixes == ["in/two/deeper/"])
    }

    @Test func `W-92 a listing goes on after a key`() async throws {
        for (start, expected) in [
            ("in/one", 1), ("in/two/x", 3), ("a", 0), ("inner/x", 5), ("in/one\u{1}", 1),
        ] {
            let result = try await list("", ListOptions(startAfter: start))
            #expect(result.keys == Array(Self.granted.dropFirst(expected)), "after \(start)")
        }
    }

    @Test func `W-92 a token from elsewhere is refused, and shows nothing`() async throws {
        try await TenantFixture.with(Self.scope) { fixture in
            try await fixture.withClient { client in
                for token in ["", "k", "kteam/a", "-1.", "x.y", "99999999999999999999."] {
                    let error = await failure {
                        _ = try await client.list(
                            TenantFixture.uri(""), options: ListOptions(pageToken: token))
                    }
                    #expect(error?.code == .invalidArgument, "'\(token)'")
                }
                for token in ["7.", "0.kteam/a", "0.k../team/a", "9223372036854775807."] {
                    let page = try? await client.list(
                        TenantFixture.uri(""), options: ListOptions(pageToken: token))
                    #expect(page?.entries.isEmpty != false, "'\(token)'")
                }
            }
        }
    }

    @Test func `W-92 files beside mounts are listed by the same rule`() async throws {
        let server = try TestServer()
        for name in ["x/1", "xy/2", "x/d/3"] {
            _ = try await server.store.put(try server.uri(name), Bytes([1]))
        }
        let scope = ListenerPolicy.Scope.granted([PolicyGrant([.list], on: try server.uri("x"))])
        let client = try await BlobClient.connect(
            path: try server.addUntrusted("files.sock", scope))
        for prefix in ["file:///", "file://\(server.rootPath)", "file://\(server.rootPath)/x"] {
            let found = try await client.listAll(BlobURI(parsingPrefix: prefix)).map(\.uri)
            #expect(found == [try server.uri("x/1"), try server.uri("x/d/3")], "\(prefix)")
        }
        await client.close()
        await server.stop()
    }
}
