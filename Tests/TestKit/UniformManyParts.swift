import BlobCore
import Testing

/// As many parts as there can be.
extension UniformMultipart {
    static let manyParts: [UniformMultipart] = [
        UniformMultipart("W-78 10,000 URLs in one call, and the service takes each that is tried") {
            context in
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 10_000)
            #expect(Set(urls.map(\.expiresAt)).count == 1)
            // Files are told apart by offsets.
            guard context.behaviour.has(.httpPresign) else {
                #expect(Set(urls.map(\.url)).count == 1)
                return try await context.behaviour.abort(upload)
            }
            #expect(Set(urls.map(\.url)).count == 10_000)
            let numbers = [1, 9, 10, 4321, 9999, 10_000]
            let answers = try await context.uploader.upload(
                numbers.map { number in
                    PartUploader.Part(
                        urls[number - 1], offset: 0, Bytes(utf8: "part \(number)"))
                })
            #expect(answers.map(\.isSuccess) == numbers.map { _ in true })
            if context.behaviour.has(.listParts) {
                let page = try await context.store.listParts(
                    upload, afterPartNumber: 0, options: CallOptions())
                #expect(page.parts.map(\.partNumber) == numbers.map { UInt32($0) })
            }
            try await context.behaviour.abort(upload)
        },
        // Where a part has at least 5 MiB, 10,000 of them are 50 GB: more than a test can send. There
        // the number is tried where the test server lets smaller ones through, which real ones do not.
        UniformMultipart("W-83 a blob of 10,000 parts") { context in
            guard
                context.limits.minimumPartByteCount <= 1
                    || !context.differences.refusesSmallParts
            else { return }
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 10_000)
            let bytes = patternBytes(count: 10_000)
            // Without sizes, or the smallest one would be asked for here already.
            let parts = try await context.upload(bytes.map { [$0] }, to: urls).map {
                UploadedPart(partNumber: $0.partNumber, etag: $0.etag)
            }
            let result = try await context.behaviour.complete(upload, parts)
            #expect(result.byteCount == 10_000)
            #expect(try await context.behaviour.get("blob") == bytes)
        },
    ]
}
