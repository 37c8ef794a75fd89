import BlobCore
import Testing

extension BlobStoreBehaviour {
    static let multipartFailures: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("IX5 FS-10 W-84 multipart: abort keeps the blob that was there") {
            context in
            try await context.put("blob", [1, 2, 3])
            let upload = try await context.beginUpload("blob")
            try await context.uploadPart(upload, 1, [9])
            try await context.abort(upload)
            #expect(try await context.get("blob") == [1, 2, 3])
            await expectError(.uploadNotFound) {
                try await context.uploadPart(upload, 2, [9])
            }
            await expectError(.uploadNotFound) {
                try await context.complete(upload, [context.unknownPart])
            }
            try await context.abort(upload)
            #expect(try await context.keys() == ["blob"])
        },
        BlobStoreBehaviour("FS-10 W-81 W-84 multipart: an unknown upload is uploadNotFound") {
            context in
            let real = try await context.beginUpload("blob")
            try await context.abort(real)
            for uploadID in [
                real.uploadID, String(repeating: "0", count: 32), "x", "", "../../x",
            ] {
                let upload = MultipartUpload(uri: context.uri("blob"), uploadID: uploadID)
                await expectError(.uploadNotFound, .invalidArgument) {
                    try await context.uploadPart(upload, 1, [1])
                }
                await expectError(.uploadNotFound, .invalidArgument) {
                    try await context.complete(upload, [context.unknownPart])
                }
                if context.has(.listParts) {
                    await expectError(.uploadNotFound, .invalidArgument) {
                        _ = try await context.store.listParts(
                            upload, afterPartNumber: 0, options: CallOptions())
                    }
                }
            }
            try await context.abort(real)
            await context.expectAbsent("blob")
        },
        BlobStoreBehaviour("multipart: an upload works only for the blob it was begun for") {
            context in
            let upload = try await context.beginUpload("mine")
            let stolen = MultipartUpload(uri: context.uri("other"), uploadID: upload.uploadID)
            await expectError(.uploadNotFound, .invalidArgument) {
                try await context.uploadPart(stolen, 1, [1])
            }
            try? await context.abort(stolen)
            let part = try await context.uploadPart(upload, 1, [5])
            try await context.complete(upload, [part])
            #expect(try await context.get("mine") == [5])
            await context.expectAbsent("other")
        },
        BlobStoreBehaviour("W-81 multipart: part numbers go from 1 to 10,000") { context in
            let upload = try await context.beginUpload("blob")
            for number: UInt32 in [0, 10_001, .max] {
                await expectError(.invalidArgument) {
                    try await context.uploadPart(upload, number, [1])
                }
            }
            try await context.abort(upload)
        },
        BlobStoreBehaviour("FS-10 W-83 multipart: parts that do not fit leave the blob as it was") {
            context in
            try await context.put("blob", [1, 2, 3])
            let upload = try await context.beginUpload("blob")
            let bytes = patternBytes(count: context.partByteCount)
            let first = try await context.uploadPart(upload, 1, bytes)
            let second = try await context.uploadPart(upload, 2, bytes)
            let missing = UploadedPart(partNumber: 3, etag: first.etag, byteCount: 5)
            for parts in [
                [second, first], [first, first], [first, second, missing],
            ] {
                await expectError(.multipart, .invalidArgument) {
                    try await context.complete(upload, parts)
                }
            }
            #expect(try await context.get("blob") == [1, 2, 3])
            try await context.complete(upload, [first, second])
            #expect(try await context.get("blob") == bytes + bytes)
        },
        BlobStoreBehaviour("multipart: a part of another length than declared is no part") {
            context in
            let upload = try await context.beginUpload("blob")
            let bytes = patternBytes(count: 1000)
            for offset: UInt64? in [nil, 0] {
                await expectError(.invalidArgument) {
                    _ = try await context.store.uploadPart(
                        upload, partNumber: 1,
                        body: BlobBody(pieces(of: bytes, pieceByteCount: 100), byteCount: 1001),
                        options: UploadPartOptions(offset: offset))
                }
            }
            if context.has(.listParts) {
                let page = try await context.store.listParts(
                    upload, afterPartNumber: 0, options: CallOptions())
                #expect(page.parts.isEmpty)
            }
            try await context.abort(upload)
        },
        BlobStoreBehaviour("CM-14 multipart: cancelling a part leaves the others") { context in
            let upload = try await context.beginUpload("blob")
            let kept = try await context.uploadPart(upload, 1, [1, 2, 3])
            let source = EndlessSource(
                pieces: Array(repeating: Bytes(patternBytes(count: 300_000)), count: 9))
            let task = Task {
                try await context.store.uploadPart(
                    upload, partNumber: 2, body: .stream(source, byteCount: nil),
                    options: UploadPartOptions())
            }
            try await source.wasTaken.wait()
            task.cancel()
            await expectError(.cancelled) { _ = try await task.value }
            try await context.complete(upload, [kept])
            #expect(try await context.get("blob") == [1, 2, 3])
        },
    ]
}
