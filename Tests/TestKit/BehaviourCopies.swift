import BlobCore
import Testing

extension BlobStoreBehaviour {
    static let copies: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-77 a copy has the bytes, content type and metadata") { context in
            guard context.has(.copy) else { return }
            let bytes = patternBytes(count: (2 << 20) + 5)
            let options =
                context.has(.userMetadata)
                ? PutOptions(contentType: "image/png", userMetadata: ["k": "v"]) : PutOptions()
            try await context.put("from", bytes, options: options)
            let result = try await context.store.copy(
                from: context.uri("from"), to: context.uri("dir/to"), options: CopyOptions())
            #expect(result.byteCount == UInt64(bytes.count))
            #expect(try await context.get("dir/to") == bytes)
            let metadata = try await context.store.head(context.uri("dir/to"))
            #expect(metadata.etag == result.etag)
            #expect(metadata.contentType == options.contentType || !context.has(.userMetadata))
            #expect(metadata.userMetadata == options.userMetadata)
            #expect(try await context.get("from") == bytes)
        },
        BlobStoreBehaviour("an empty blob can be copied") { context in
            guard context.has(.copy) else { return }
            try await context.put("from", [])
            _ = try await context.store.copy(
                from: context.uri("from"), to: context.uri("to"), options: CopyOptions())
            #expect(try await context.get("to").isEmpty)
        },
        BlobStoreBehaviour("W-77 copy keeps its conditions on both sides") { context in
            guard context.has(.copy), context.has(.createOnlyPut) else { return }
            let first = try await context.put("from", [1])
            try await context.put("from", [2])
            try await context.put("to", [3])
            let (from, to) = (context.uri("from"), context.uri("to"))
            await expectError(.preconditionFailed) {
                _ = try await context.store.copy(
                    from: from, to: to, options: CopyOptions(ifSourceMatch: first.etag))
            }
            await expectError(.alreadyExists) {
                _ = try await context.store.copy(
                    from: from, to: to, options: CopyOptions(condition: .createOnly))
            }
            #expect(try await context.get("to") == [3])
            await expectError(.notFound) {
                _ = try await context.store.copy(
                    from: context.uri("missing"), to: to, options: CopyOptions())
            }
            #expect(try await context.get("to") == [3])
        },
    ]

    static let presigning: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("CM-16 W-78 a validity of nothing or of more than 7 days is refused") {
            context in
            let uri = context.uri("blob")
            for validSeconds: UInt32 in [0, PresignOptions.maximumSeconds + 1, .max] {
                let options = PresignOptions(validSeconds: validSeconds)
                for method in PresignMethod.allCases where context.has(method.operation) {
                    await expectError(.presign, .invalidArgument) {
                        _ = try await context.store.presign(method, uri, options: options)
                    }
                }
            }
        },
        BlobStoreBehaviour(
            "CM-08 W-78 signing needs no blob, gives a URL and hides it in descriptions"
        ) { context in
            let uri = context.uri("blob")
            let options = PresignOptions(validSeconds: 60)
            for method in PresignMethod.allCases {
                guard context.has(method.operation) else {
                    await expectError(.unsupportedOperation) {
                        _ = try await context.store.presign(method, uri, options: options)
                    }
                    continue
                }
                let url = try await context.store.presign(method, uri, options: options)
                #expect(url.method == method.rawValue)
                #expect(url.url.hasPrefix(context.has(.httpPresign) ? "http" : "file://"))
                #expect(!"\(url)".contains(url.url))
                #expect((url.expiresAt == nil) == !context.has(.httpPresign))
            }
        },
    ]
}
