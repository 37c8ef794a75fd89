import BlobCore
import Testing

/// How uploads and their URLs end.
extension UniformMultipart {
    static let ends: [UniformMultipart] = [
        UniformMultipart("CM-18 W-83 completing again gives the same answer") { context in
            let upload = try await context.behaviour.beginUpload("blob")
            let bodies = context.bodies(count: 2)
            let urls = try await context.presign(upload, count: 2)
            let parts = try await context.upload(bodies, to: urls)
            let first = try await context.behaviour.complete(upload, parts)
            let second = try await context.behaviour.complete(upload, parts)
            #expect(second.etag == first.etag)
            #expect(second.byteCount == first.byteCount)
            try await context.expect("blob", bodies)
            // What is left of the URLs cannot touch the blob.
            let late = PartUploader.Part(urls[0], offset: 0, Bytes(patternBytes(count: 10)))
            let answer = try await context.uploader.upload(late)
            #expect(!answer.isSuccess || !context.differences.endsURLs, "\(answer.status)")
            try await context.expect("blob", bodies)
            #expect(try await context.behaviour.keys() == ["blob"])
        },
        UniformMultipart("CM-18 W-83 an upload without parts can be completed again, too") {
            context in
            let upload = try await context.behaviour.beginUpload("blob")
            let first = try await context.behaviour.complete(upload, [])
            let second = try await context.behaviour.complete(upload, [])
            #expect(second.etag == first.etag)
            #expect(second.byteCount == 0)
        },
        UniformMultipart("IX5 W-84 giving up keeps what was there and shows nothing") { context in
            try await context.behaviour.put("kept", [1, 2, 3])
            for key in ["kept", "new"] {
                let upload = try await context.behaviour.beginUpload(key)
                let urls = try await context.presign(upload, count: 2)
                let bodies = context.bodies(count: 2)
                let parts = try await context.upload([bodies[0]], to: urls)
                try await context.behaviour.abort(upload)
                try await context.behaviour.abort(upload)
                let late = context.parts(urls, bodies)[1]
                let answer = try await context.uploader.upload(late)
                #expect(!answer.isSuccess || !context.differences.endsURLs, "\(answer.status)")
                await expectError(.uploadNotFound) {
                    try await context.behaviour.complete(upload, parts)
                }
            }
            #expect(try await context.behaviour.get("kept") == [1, 2, 3])
            await context.behaviour.expectAbsent("new")
            #expect(try await context.behaviour.keys() == ["kept"])
        },
        UniformMultipart("CM-16 a URL of one second is refused when it is over; a new one works") {
            context in
            let upload = try await context.behaviour.beginUpload("blob")
            let body = context.bodies(count: 1)[0]
            let url = try await context.presign(upload, count: 1, validSeconds: 1)[0]
            if context.limits.maximumPresignSeconds == nil {
                // Nothing ends it: it is a name and no signature.
                #expect(url.expiresAt == nil)
            } else {
                let end = try #require(url.expiresAt)
                #expect(end.milliseconds <= UniformContext.now.milliseconds + 1000)
                // The service is asked until it refuses; the suite's time limit bounds that.
                let part = PartUploader.Part(url, offset: 0, Bytes(body))
                var answer = try await context.uploader.upload(part)
                while answer.isSuccess { answer = try await context.uploader.upload(part) }
                // The services have different statuses for it.
                #expect([400, 401, 403].contains(answer.status), "\(answer.status)")
                #expect(UniformContext.now > end)
            }
            let parts = try await context.upload(
                [body], to: try await context.presign(upload, count: 1))
            try await context.behaviour.complete(upload, parts)
            try await context.expect("blob", [body])
        },
        UniformMultipart(
            "AZ-05 W-80 two uploads of one blob are apart, or one is told of a conflict"
        ) { context in
            let bodies = [1, 2].map { patternBytes(count: 1000, seed: $0) }
            var uploads: [(upload: MultipartUpload, parts: [UploadedPart])] = []
            for body in bodies {
                let upload = try await context.behaviour.beginUpload("blob")
                let urls = try await context.presign(upload, count: 1)
                uploads.append((upload, try await context.upload([body], to: urls)))
            }
            try await context.behaviour.complete(uploads[0].upload, uploads[0].parts)
            try await context.expect("blob", [bodies[0]])
            do {
                try await context.behaviour.complete(uploads[1].upload, uploads[1].parts)
                try await context.expect("blob", [bodies[1]])
            } catch let error as BlobError {
                // Azure keeps the parts of one name together; the first completion drops the others.
                #expect(error.code == .conflict, "\(error)")
                #expect(!context.behaviour.has(.partEntityTags))
                try await context.expect("blob", [bodies[0]])
            }
        },
        UniformMultipart("GC-07 W-83 completion keeps its condition, or says that it cannot") {
            context in
            guard context.behaviour.has(.createOnlyPut) else { return }
            try await context.behaviour.put("blob", [9])
            let upload = try await context.behaviour.beginUpload("blob")
            let body = context.bodies(count: 1)[0]
            let parts = try await context.upload(
                [body], to: try await context.presign(upload, count: 1))
            await expectError(.alreadyExists) {
                try await context.behaviour.complete(
                    upload, parts, options: CompleteOptions(condition: .createOnly))
            }
            #expect(try await context.behaviour.get("blob") == [9])
            let new = try await context.behaviour.beginUpload("new")
            let newParts = try await context.upload(
                [body], to: try await context.presign(new, count: 1))
            do {
                try await context.behaviour.complete(
                    new, newParts, options: CompleteOptions(condition: .createOnly))
            } catch let error as BlobError {
                // Google's completions know no conditions; nothing is written, and the upload is there.
                #expect(error.code == .unsupportedOperation, "\(error)")
                await context.behaviour.expectAbsent("new")
                try await context.behaviour.complete(new, newParts)
            }
            try await context.expect("new", [body])
        },
    ]
}
