import BlobCore
import Testing

extension BehaviourContext {
    /// The smallest part size, in bytes, that works for every part.
    var partByteCount: Int {
        Int(clamping: max(capabilities.limits.minimumPartByteCount, 100_000))
    }

    /// A part that no upload has, named as the store wants parts to be named.
    var unknownPart: UploadedPart {
        let etag = "\"00000000000000000000000000000000\""
        return UploadedPart(partNumber: 1, etag: has(.partEntityTags) ? etag : nil)
    }

    func beginUpload(
        _ key: String, options: MultipartOptions = MultipartOptions()
    ) async throws -> MultipartUpload {
        try await store.createMultipartUpload(uri(key), options: options)
    }

    @discardableResult
    func uploadPart(
        _ upload: MultipartUpload, _ partNumber: UInt32, _ bytes: [UInt8], offset: UInt64? = nil
    ) async throws -> UploadedPart {
        try await store.uploadPart(
            upload, partNumber: partNumber, body: BlobBody(bytes),
            options: UploadPartOptions(offset: offset))
    }

    @discardableResult
    func complete(
        _ upload: MultipartUpload, _ parts: [UploadedPart],
        options: CompleteOptions = CompleteOptions()
    ) async throws -> PutResult {
        try await store.completeMultipartUpload(upload, parts: parts, options: options)
    }

    func abort(_ upload: MultipartUpload) async throws {
        try await store.abortMultipartUpload(upload, options: CallOptions())
    }
}

extension BlobStoreBehaviour {
    static let multipart: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("W-80 W-83 multipart: parts uploaded out of order make the blob") {
            context in
            let partByteCount = context.partByteCount
            let bytes = patternBytes(count: partByteCount * 2 + 777)
            let upload = try await context.beginUpload("dir/blob")
            #expect(upload.uri == context.uri("dir/blob"))
            var parts: [UploadedPart] = []
            for number in [3, 1, 2] {
                let start = (number - 1) * partByteCount
                let slice = Array(bytes[start..<min(bytes.count, start + partByteCount)])
                let part = try await context.uploadPart(upload, UInt32(number), slice)
                #expect(part.partNumber == UInt32(number))
                parts.append(part)
                await context.expectAbsent("dir/blob")
            }
            parts.sort { $0.partNumber < $1.partNumber }
            let result = try await context.complete(upload, parts)
            #expect(result.byteCount == UInt64(bytes.count))
            #expect(try await context.get("dir/blob") == bytes)
            let metadata = try await context.store.head(context.uri("dir/blob"))
            #expect(metadata.etag == result.etag)
            #expect(try await context.keys() == ["dir/blob"])
        },
        BlobStoreBehaviour("multipart: parts with offsets, uploaded at the same time") { context in
            let partByteCount = context.partByteCount
            let bytes = patternBytes(count: partByteCount * 3 + 1)
            let upload = try await context.beginUpload("blob")
            let parts = try await withThrowingTaskGroup(of: UploadedPart.self) { group in
                for number in 1...4 {
                    let start = (number - 1) * partByteCount
                    let slice = Array(bytes[start..<min(bytes.count, start + partByteCount)])
                    group.addTask {
                        try await context.uploadPart(
                            upload, UInt32(number), slice, offset: UInt64(start))
                    }
                }
                var parts: [UploadedPart] = []
                for try await part in group { parts.append(part) }
                return parts.sorted { $0.partNumber < $1.partNumber }
            }
            try await context.complete(upload, parts)
            #expect(try await context.get("blob") == bytes)
        },
        BlobStoreBehaviour("W-81 multipart: a part of the same number is replaced") { context in
            let old = patternBytes(count: context.partByteCount + 100, seed: 1)
            let new = patternBytes(count: context.partByteCount, seed: 2)
            for offset: UInt64? in [nil, 0] {
                let upload = try await context.beginUpload("blob")
                try await context.uploadPart(upload, 1, old)
                let first = try await context.uploadPart(upload, 1, new, offset: offset)
                let second = try await context.uploadPart(
                    upload, 2, [1, 2, 3], offset: offset.map { _ in UInt64(new.count) })
                try await context.complete(upload, [first, second])
                #expect(try await context.get("blob") == new + [1, 2, 3])
            }
        },
        BlobStoreBehaviour("W-82 multipart: the parts so far can be listed, in pages") { context in
            guard context.has(.listParts) else { return }
            let upload = try await context.beginUpload("blob")
            let bytes = patternBytes(count: context.partByteCount)
            for number: UInt32 in [7, 2, 10_000] {
                try await context.uploadPart(upload, number, bytes)
            }
            var found: [UploadedPart] = []
            var after: UInt32? = 0
            while let current = after {
                let page = try await context.store.listParts(
                    upload, afterPartNumber: current, options: CallOptions())
                found += page.parts
                after = page.nextPartNumber
            }
            #expect(found.map(\.partNumber) == [2, 7, 10_000])
            let rest = try await context.store.listParts(
                upload, afterPartNumber: 7, options: CallOptions())
            #expect(rest.parts.map(\.partNumber) == [10_000])
            try await context.complete(upload, found)
            #expect(try await context.get("blob") == bytes + bytes + bytes)
        },
        BlobStoreBehaviour("W-83 multipart: one part, an empty part, no part") { context in
            let one = try await context.beginUpload("one")
            let part = try await context.uploadPart(one, 5, [1, 2, 3])
            try await context.complete(one, [part])
            #expect(try await context.get("one") == [1, 2, 3])
            let empty = try await context.beginUpload("empty")
            let emptyPart = try await context.uploadPart(empty, 1, [])
            try await context.complete(empty, [emptyPart])
            #expect(try await context.get("empty").isEmpty)
            let none = try await context.beginUpload("none")
            try await context.complete(none, [])
            #expect(try await context.get("none").isEmpty)
        },
        BlobStoreBehaviour("multipart: content type and metadata of the finished blob") { context in
            guard context.has(.userMetadata) else { return }
            let options = MultipartOptions(contentType: "video/mp4", userMetadata: ["Key": "v"])
            let upload = try await context.beginUpload("blob", options: options)
            let part = try await context.uploadPart(upload, 1, [1])
            try await context.complete(upload, [part])
            let metadata = try await context.store.head(context.uri("blob"))
            #expect(metadata.contentType == "video/mp4")
            #expect(metadata.userMetadata == ["key": "v"])
        },
        BlobStoreBehaviour("multipart: two uploads to one key do not disturb each other") {
            context in
            let first = try await context.beginUpload("blob")
            let second = try await context.beginUpload("blob")
            #expect(first.uploadID != second.uploadID)
            let firstPart = try await context.uploadPart(first, 1, [1])
            let secondPart = try await context.uploadPart(second, 1, [2])
            do {
                try await context.complete(first, [firstPart])
                #expect(try await context.get("blob") == [1])
                try await context.complete(second, [secondPart])
                #expect(try await context.get("blob") == [2])
            } catch let error as BlobError {
                // Azure keeps the parts of one key together and says so.
                #expect(error.code == .conflict)
            }
        },
        BlobStoreBehaviour("multipart: completion keeps its condition") { context in
            guard context.has(.createOnlyPut) else { return }
            try await context.put("blob", [9])
            let upload = try await context.beginUpload("blob")
            let part = try await context.uploadPart(upload, 1, [1])
            let createOnly = CompleteOptions(condition: .createOnly)
            await expectError(.alreadyExists, .preconditionFailed) {
                try await context.complete(upload, [part], options: createOnly)
            }
            #expect(try await context.get("blob") == [9])
        },
        BlobStoreBehaviour("W-78 multipart: part URLs come in order and for the numbers asked") {
            context in
            guard context.has(.presignUploadParts) else { return }
            let upload = try await context.beginUpload("blob")
            let urls = try await context.store.presignUploadParts(
                upload, partNumbers: [3, 1, 10_000], options: PresignOptions())
            #expect(urls.count == 3)
            #expect(urls.allSatisfy { $0.method == "PUT" })
            for numbers: [UInt32] in [[0], [10_001], [1, .max]] {
                await expectError(.invalidArgument) {
                    _ = try await context.store.presignUploadParts(
                        upload, partNumbers: numbers, options: PresignOptions())
                }
            }
            for validSeconds: UInt32 in [0, PresignOptions.maximumSeconds + 1] {
                await expectError(.presign, .invalidArgument) {
                    _ = try await context.store.presignUploadParts(
                        upload, partNumbers: [1],
                        options: PresignOptions(validSeconds: validSeconds))
                }
            }
            let tooMany = [UInt32](repeating: 1, count: 10_001)
            await expectError(.invalidArgument) {
                _ = try await context.store.presignUploadParts(
                    upload, partNumbers: tooMany, options: PresignOptions())
            }
            try await context.abort(upload)
        },
    ]
}
