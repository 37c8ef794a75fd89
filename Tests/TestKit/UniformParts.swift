import BlobCore
import Testing

/// How the bytes come in.
extension UniformMultipart {
    static let parts: [UniformMultipart] = [
        UniformMultipart(
            "W-78 W-80 W-83 CM-17 parts uploaded at once by plain PUTs, completed with what came back"
        ) { context in
            let keepsMetadata = context.behaviour.has(.userMetadata)
            let options =
                keepsMetadata
                ? MultipartOptions(contentType: "text/x-parts", userMetadata: ["who": "me"])
                : MultipartOptions()
            let upload = try await context.behaviour.beginUpload("dir/blob", options: options)
            let urls = try await context.presign(upload, count: 3)
            let bodies = context.bodies(count: 3)
            let parts = try await context.upload(bodies, to: urls)
            let hasTags = context.behaviour.has(.partEntityTags)
            #expect(parts.allSatisfy { $0.etag != nil } || !hasTags)
            await context.behaviour.expectAbsent("dir/blob")
            let result = try await context.behaviour.complete(upload, parts)
            #expect(result.byteCount == UInt64(bodies.joined().count))
            try await context.expect("dir/blob", bodies)
            let metadata = try await context.store.head(context.behaviour.uri("dir/blob"))
            #expect(metadata.etag == result.etag)
            #expect(metadata.byteCount == result.byteCount)
            #expect(metadata.contentType == "text/x-parts" || !keepsMetadata)
            #expect(metadata.userMetadata == options.userMetadata)
            #expect(try await context.behaviour.keys() == ["dir/blob"])
        },
        UniformMultipart("S3-13 W-83 entity tags are needed where they are declared, nowhere else")
        { context in
            let upload = try await context.behaviour.beginUpload("blob")
            let bodies = context.bodies(count: 2)
            let parts = try await context.upload(
                bodies, to: try await context.presign(upload, count: 2))
            let bare = parts.map { UploadedPart(partNumber: $0.partNumber) }
            if context.behaviour.has(.partEntityTags) {
                await expectError(.multipart) {
                    try await context.behaviour.complete(upload, bare)
                }
                await context.behaviour.expectAbsent("blob")
                // Without the sizes: an uploader may not have kept them.
                let tagged = parts.map {
                    UploadedPart(partNumber: $0.partNumber, etag: $0.etag)
                }
                let result = try await context.behaviour.complete(upload, tagged)
                #expect(result.byteCount == UInt64(bodies.joined().count))
            } else {
                try await context.behaviour.complete(upload, bare)
            }
            try await context.expect("blob", bodies)
        },
        UniformMultipart("W-83 a blob of a single part, of whatever size") { context in
            for byteCount in [1, 99_999] {
                let upload = try await context.behaviour.beginUpload("blob")
                let bodies = context.bodies(count: 1, lastByteCount: byteCount)
                let parts = try await context.upload(
                    bodies, to: try await context.presign(upload, count: 1))
                try await context.behaviour.complete(upload, parts)
                try await context.expect("blob", bodies)
            }
        },
        UniformMultipart("S3-14 W-83 a blob of no bytes: no part, or one empty part") { context in
            let none = try await context.behaviour.beginUpload("none")
            _ = try await context.presign(none, count: 1)
            #expect(try await context.behaviour.complete(none, []).byteCount == 0)
            #expect(try await context.behaviour.get("none").isEmpty)
            // Azure refuses an empty block: its uploader has nothing to send, and completion takes the
            // empty part for what it is.
            let one = try await context.behaviour.beginUpload("one")
            let url = try await context.presign(one, count: 1)[0]
            let answer = try await context.uploader.upload(.init(url, offset: 0, Bytes()))
            let needsPart =
                context.behaviour.has(.partEntityTags) || !context.behaviour.has(.httpPresign)
            #expect(answer.isSuccess || !needsPart, "\(answer.status)")
            let part = UploadedPart(partNumber: 1, etag: answer.etag, byteCount: 0)
            #expect(try await context.behaviour.complete(one, [part]).byteCount == 0)
            #expect(try await context.behaviour.get("one").isEmpty)
        },
        UniformMultipart("W-83 parts come in any order and are completed in order") { context in
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 3)
            let bodies = context.bodies(count: 3)
            let sent = context.parts(urls, bodies)
            var tags: [String?] = [nil, nil, nil]
            for index in [2, 0, 1] {
                let answer = try await context.uploader.upload(sent[index])
                #expect(answer.isSuccess)
                tags[index] = answer.etag
                await context.behaviour.expectAbsent("blob")
            }
            let parts = (0..<3).map {
                UploadedPart(
                    partNumber: UInt32($0) + 1, etag: tags[$0], byteCount: UInt64(bodies[$0].count))
            }
            for wrong in [[parts[1], parts[0], parts[2]], [parts[0], parts[0]]] {
                await expectError(.multipart, .invalidArgument) {
                    try await context.behaviour.complete(upload, wrong)
                }
            }
            await context.behaviour.expectAbsent("blob")
            try await context.behaviour.complete(upload, parts)
            try await context.expect("blob", bodies)
        },
        UniformMultipart("S3-15 W-81 a part that is sent again replaces itself") { context in
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 2)
            let bodies = context.bodies(count: 2)
            let wrong = patternBytes(count: bodies[0].count, seed: 99)
            _ = try await context.upload([wrong], to: urls)
            let parts = try await context.upload(bodies, to: urls)
            try await context.behaviour.complete(upload, parts)
            try await context.expect("blob", bodies)
        },
        UniformMultipart("W-83 fewer parts than were signed for") { context in
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 5)
            let bodies = context.bodies(count: 2)
            let parts = try await context.upload(bodies, to: urls)
            try await context.behaviour.complete(upload, parts)
            try await context.expect("blob", bodies)
        },
        UniformMultipart("S3-14 W-83 parts below the smallest size are refused by name") {
            context in
            guard context.limits.minimumPartByteCount > 3 else { return }
            let upload = try await context.behaviour.beginUpload("blob")
            let urls = try await context.presign(upload, count: 2)
            let parts = try await context.upload([[1, 2, 3], [4]], to: urls)
            let error = await expectError(.multipart) {
                try await context.behaviour.complete(upload, parts)
            }
            #expect(error.map { "\($0)".contains("part 1 has 3 bytes") } == true)
            if context.differences.refusesSmallParts {
                // Without their sizes only the service can tell.
                let unsized = parts.map { UploadedPart(partNumber: $0.partNumber, etag: $0.etag) }
                await expectError(.multipart) {
                    try await context.behaviour.complete(upload, unsized)
                }
            }
            await context.behaviour.expectAbsent("blob")
            try await context.behaviour.abort(upload)
        },
    ]
}
