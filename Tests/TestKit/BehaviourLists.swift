import BlobCore
import Testing

extension BlobStoreBehaviour {
    static let deletes: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-74 delete is idempotent") { context in
            try await context.put("blob", [1])
            let first = try await context.store.delete(context.uri("blob"))
            #expect(first.existed != false)
            await context.expectAbsent("blob")
            let second = try await context.store.delete(context.uri("blob"))
            #expect(second.existed != true)
            try await context.store.delete(context.uri("never/was"))
        },
        BlobStoreBehaviour("W-75 many blobs are deleted in one call, outcomes in order") {
            context in
            try await context.put("a", [1])
            try await context.put("c/d", [1])
            let uris = ["a", "b", "c/d"].map(context.uri)
            let outcomes = try await context.store.delete(uris, options: CallOptions())
            #expect(outcomes.count == 3)
            let existed = try outcomes.map { try $0.get().existed }
            #expect(existed == [true, false, true] || existed.allSatisfy { $0 == nil })
            for key in ["a", "c/d"] { await context.expectAbsent(key) }
            let none = try await context.store.delete([], options: CallOptions())
            #expect(none.isEmpty)
        },
        BlobStoreBehaviour("W-75 one failed delete of many does not keep the others back") {
            context in
            guard context.has(.hierarchicalKeys) else { return }
            for key in ["a", "c"] { try await context.put(key, [1]) }
            // No file can have the name in the middle.
            let outcomes = try await context.store.delete(
                ["a", "b//b", "c"].map(context.uri), options: CallOptions())
            #expect(outcomes.count == 3)
            let codes = outcomes.map { outcome -> BlobError.Code? in
                if case .failure(let error) = outcome { error.code } else { nil }
            }
            #expect(codes == [nil, .invalidURI, nil])
            for key in ["a", "c"] { await context.expectAbsent(key) }
        },
        BlobStoreBehaviour("W-75 a thousand deletes in one call are done, more are refused") {
            context in
            try await context.put("blob-999", [1])
            let uris = (0..<1001).map { context.uri("blob-\($0)") }
            let outcomes = try await context.store.delete(
                Array(uris[..<1000]), options: CallOptions())
            #expect(outcomes.count == 1000)
            await context.expectAbsent("blob-999")
            await expectError(.invalidArgument, .tooLarge) {
                _ = try await context.store.delete(uris, options: CallOptions())
            }
        },
    ]

    static let lists: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-76 a list has every blob once, in order of the keys' bytes") {
            context in
            let keys = ["b", "a/x", "a-b", "a0", "B", "a/y/z", "c/d", "aa", "\u{e9}", "z"]
            for key in keys { try await context.put(key, Array(key.utf8)) }
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(try await context.keys() == sorted)
            let page = try await context.store.list(context.uri(""), options: ListOptions())
            #expect(page.nextPageToken == nil)
            for entry in page.entries {
                #expect(entry.byteCount == UInt64(context.relative(entry.uri).utf8.count))
                let metadata = try await context.store.head(entry.uri)
                #expect(entry.etag == metadata.etag)
            }
        },
        BlobStoreBehaviour("W-76 a prefix is a prefix of bytes, not of path segments") { context in
            guard !context.has(.hierarchicalKeys) else { return }
            for key in ["log", "log-1", "log/1", "log/2/3", "lo", "logs/1"] {
                try await context.put(key, [1])
            }
            #expect(
                try await context.keys(prefix: "log") == [
                    "log", "log-1", "log/1", "log/2/3", "logs/1",
                ])
        },
        BlobStoreBehaviour("W-76 prefixes inside and at the end of segments") { context in
            for key in ["log-1", "log/1", "log/12", "log/2/3", "lo", "logs/1"] {
                try await context.put(key, [1])
            }
            #expect(
                try await context.keys(prefix: "log")
                    == ["log-1", "log/1", "log/12", "log/2/3", "logs/1"])
            #expect(try await context.keys(prefix: "log/") == ["log/1", "log/12", "log/2/3"])
            #expect(try await context.keys(prefix: "log/1") == ["log/1", "log/12"])
            #expect(try await context.keys(prefix: "log/2") == ["log/2/3"])
            #expect(try await context.keys(prefix: "nothing/here").isEmpty)
            #expect(try await context.keys(prefix: "x").isEmpty)
        },
        BlobStoreBehaviour("W-76 pages of every size add up to the whole list") { context in
            let keys = (0..<23).map { "dir-\($0 % 3)/blob-\($0)" } + ["x", "dir-1-y", "a/b/c/d"]
            for key in keys { try await context.put(key, [1]) }
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for pageEntryCount: UInt32 in [1, 2, 7, 26, 27] {
                var options = ListOptions(pageEntryCount: pageEntryCount)
                var found: [String] = []
                repeat {
                    let page = try await context.store.list(context.uri(""), options: options)
                    #expect(page.entries.count <= Int(pageEntryCount))
                    found += page.entries.map { context.relative($0.uri) }
                    options.pageToken = page.nextPageToken
                } while options.pageToken != nil
                #expect(found == sorted, "pages of \(pageEntryCount)")
            }
        },
        BlobStoreBehaviour("W-76 a delimiter groups keys, across pages too") { context in
            for key in ["a/1", "a/2", "a/b/3", "b", "c/4", "c0", "d/e/f/5"] {
                try await context.put(key, [1])
            }
            for pageEntryCount: UInt32 in [1, 2, 1000] {
                var options = ListOptions(delimiter: "/", pageEntryCount: pageEntryCount)
                var entries: [String] = []
                var prefixes: [String] = []
                repeat {
                    let page = try await context.store.list(context.uri(""), options: options)
                    #expect(
                        page.entries.count + page.commonPrefixes.count <= Int(pageEntryCount))
                    entries += page.entries.map { context.relative($0.uri) }
                    prefixes += page.commonPrefixes.map(context.relative)
                    options.pageToken = page.nextPageToken
                } while options.pageToken != nil
                #expect(entries == ["b", "c0"])
                #expect(prefixes == ["a/", "c/", "d/"])
            }
            let inner = try await context.store.list(
                context.uri("a/"), options: ListOptions(delimiter: "/"))
            #expect(inner.entries.map { context.relative($0.uri) } == ["a/1", "a/2"])
            #expect(inner.commonPrefixes.map(context.relative) == ["a/b/"])
        },
        BlobStoreBehaviour("W-76 startAfter leaves out what comes up to it") { context in
            let keys = ["a/1", "a/2", "a/3", "b", "c"]
            for key in keys { try await context.put(key, [1]) }
            for (after, expected) in [
                ("a/2", ["a/3", "b", "c"]), ("a", keys), ("a/", keys), ("a/25", ["a/3", "b", "c"]),
                ("a0", ["b", "c"]), ("c", []), ("", keys),
            ] {
                let options = ListOptions(startAfter: context.uri(after).key, pageEntryCount: 2)
                #expect(try await context.keys(options: options) == expected, "after \(after)")
            }
            let options = ListOptions(delimiter: "/", startAfter: context.uri("a/3").key)
            let page = try await context.store.list(context.uri(""), options: options)
            #expect(page.commonPrefixes.isEmpty)
            #expect(page.entries.map { context.relative($0.uri) } == ["b", "c"])
        },
        BlobStoreBehaviour("CM-12 odd keys are taken byte for byte") { context in
            let keys =
                [
                    "with space", "plus+plus", "percent%20sign", "q?a=1&b=2", "hash#1", "quote'\"",
                    "semi;colon,comma", "star*[x]{y}", "tilde~", "\u{fc}ml\u{e4}ut",
                    "u\u{308}", "\u{2603}/\u{1F600}", ".hidden", "...", "-dash", "a:b",
                    "<xml>&amp;",
                ] + (context.refusesRewrittenKeys ? [] : ["back\\slash"])
            for key in keys { try await context.put(key, Array(key.utf8)) }
            for key in keys {
                #expect(try await context.get(key) == Array(key.utf8), "\(key)")
            }
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let found = try await context.keys()
            // Strings compare by canonical equivalence; these must be the same bytes.
            #expect(found.map { Array($0.utf8) } == sorted.map { Array($0.utf8) })
            for key in keys { try await context.store.delete(context.uri(key)) }
            #expect(try await context.keys().isEmpty)
        },
        BlobStoreBehaviour("CM-12 keys that a file system would fold are rejected there") {
            context in
            guard context.has(.hierarchicalKeys) else { return }
            for key in ["../x", "a/../b", "a/./b", "a//b", "a/", "..", "."] {
                await expectError(.invalidURI) { try await context.put(key, [1]) }
                await expectError(.invalidURI) { _ = try await context.get(key) }
                await expectError(.invalidURI) {
                    try await context.store.delete(context.uri(key))
                }
            }
        },
        BlobStoreBehaviour("CM-12 keys that the service would take for others are refused") {
            context in
            guard context.refusesRewrittenKeys else { return }
            try await context.put("a/b", [1])
            for key in ["a\\b", "../x", "x/../a/b", "a/./b", "a\\..\\b", "..", ".", "a/.."] {
                try await context.expectRefused(key)
            }
            for prefix in ["a\\", "x/../", "./", "a/./b"] {
                await expectError(.invalidURI) { _ = try await context.keys(prefix: prefix) }
            }
            // What may yet become another name is a prefix like any.
            try await context.put("a/..hidden", [2])
            #expect(try await context.keys(prefix: "a/..") == ["a/..hidden"])
            #expect(try await context.keys(prefix: "a/b") == ["a/b"])
            #expect(try await context.get("a/b") == [1])
        },
        BlobStoreBehaviour("W-44 a page of no entries or of too many is refused") { context in
            for pageEntryCount: UInt32 in [0, 1001, .max] {
                await expectError(.invalidArgument) {
                    _ = try await context.store.list(
                        context.uri(""), options: ListOptions(pageEntryCount: pageEntryCount))
                }
            }
        },
    ]
}
