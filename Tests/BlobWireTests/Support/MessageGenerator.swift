import BlobCore

@testable import BlobWire

/// Random messages with every field now and then.
struct MessageGenerator {
    var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func maybe<Value>(_ value: (inout MessageGenerator) throws -> Value) rethrows -> Value?
    {
        random.isTrue(oneIn: 2) ? try value(&self) : nil
    }

    mutating func text(_ maximumCount: Int = 20) -> String {
        let letters = Array("abcXYZ019-_/ .\"äß€😀")
        let count = Int.random(in: 1...maximumCount, using: &random)
        return String((0..<count).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
    }

    mutating func number() -> UInt64 {
        UInt64.random(
            in: 0...(UInt64(1) << UInt64.random(in: 0...62, using: &random)), using: &random)
    }

    mutating func small() -> UInt32 { UInt32(truncatingIfNeeded: number()) }

    mutating func uri() throws -> BlobURI {
        let start = ["s3://b/", "gs://b/", "az://c/", "blob://m/", "file:///"].randomElement(
            using: &random)
        return try BlobURI(parsing: (start ?? "") + text())
    }

    mutating func pairs() -> [String: String] {
        var result: [String: String] = [:]
        for _ in 0..<(random.next() % 4) { result[text(6)] = text() }
        return result
    }

    mutating func condition() -> WriteCondition {
        switch random.next() % 3 {
        case 0: .overwrite
        case 1: .createOnly
        default: .ifMatch(etag: text())
        }
    }

    mutating func range() -> ByteRange {
        switch random.next() % 3 {
        case 0: .bounded(start: random.next(), end: random.next())
        case 1: .from(number())
        default: .suffix(number())
        }
    }

    mutating func getOptions() -> GetOptions {
        GetOptions(
            ranges: (0..<(random.next() % 4)).map { _ in range() }, ifMatch: maybe { $0.text() },
            ifNoneMatch: maybe { $0.text() })
    }

    mutating func upload() throws -> MultipartUpload {
        MultipartUpload(uri: try uri(), uploadID: text())
    }

    mutating func request(_ operation: BlobOperation) throws -> BlobRequest {
        let timeout = maybe {
            Duration.milliseconds(Int64.random(in: 1...100_000, using: &$0.random))
        }
        return BlobRequest(try arguments(operation), timeout: timeout)
    }

    private mutating func arguments(
        _ operation: BlobOperation
    ) throws -> BlobRequest.Arguments {
        let presign = PresignOptions(validSeconds: small())
        switch operation {
        case .head: return .head(try uri(), getOptions())
        case .get: return .get(try uri(), getOptions())
        case .put:
            let options = PutOptions(
                condition: condition(), contentType: maybe { $0.text() }, userMetadata: pairs(),
                computesSHA256: random.isTrue(oneIn: 2),
                expectedSHA256: maybe { $0.random.bytes(32) })
            return .put(try uri(), options, bodyByteCount: maybe { $0.number() })
        case .delete: return .delete(try uri())
        case .deleteMany: return .deleteMany
        case .list:
            let options = ListOptions(
                delimiter: maybe { $0.text(1) }, startAfter: maybe { $0.text() },
                pageToken: maybe { $0.text() },
                pageEntryCount: UInt32.random(in: 1...1000, using: &random))
            return .list(try BlobURI(parsingPrefix: "s3://bucket/\(text())"), options)
        case .copy:
            let options = CopyOptions(condition: condition(), ifSourceMatch: maybe { $0.text() })
            return .copy(from: try uri(), to: try uri(), options)
        case .presignGet: return .presign(.get, try uri(), presign)
        case .presignPut: return .presign(.put, try uri(), presign)
        case .presignHead: return .presign(.head, try uri(), presign)
        case .presignDelete: return .presign(.delete, try uri(), presign)
        case .createMultipartUpload:
            let options = MultipartOptions(contentType: maybe { $0.text() }, userMetadata: pairs())
            return .createMultipartUpload(try uri(), options)
        case .uploadPart:
            return .uploadPart(
                try upload(), partNumber: small(), UploadPartOptions(offset: maybe { $0.number() }),
                bodyByteCount: maybe { $0.number() })
        case .presignUploadParts: return .presignUploadParts(try upload(), presign)
        case .listParts: return .listParts(try upload(), afterPartNumber: small())
        case .completeMultipartUpload:
            return .completeMultipartUpload(try upload(), CompleteOptions(condition: condition()))
        case .abortMultipartUpload: return .abortMultipartUpload(try upload())
        case .capabilities: return .capabilities(try BlobURI(parsingPrefix: "gs://bucket"))
        case .info: return .info
        case .addListener:
            let options = ListenerOptions(
                leaseSeconds: maybe { $0.small() }, endsWithCaller: random.isTrue(oneIn: 2))
            return .addListener(text(), options)
        case .removeListener: return .removeListener(path: text())
        case .listListeners: return .listListeners
        }
    }

    mutating func error() throws -> BlobError {
        let codes = BlobError.Code.names.keys.sorted { $0.rawValue < $1.rawValue }
        let code = codes.randomElement(using: &random) ?? .other
        var error = BlobError(code, text(), uri: try maybe { try $0.uri() })
        error.origin = BlobError.Origin.allCases.randomElement(using: &random) ?? .server
        error.retry = BlobError.RetryClass.allCases.randomElement(using: &random) ?? .never
        error.retryAfter = maybe { .milliseconds(Int64($0.small())) }
        error.objectByteCount = maybe { $0.number() }
        return error
    }

    mutating func time() -> Timestamp {
        Timestamp(milliseconds: Int64(bitPattern: random.next()))
    }

    mutating func response(_ operation: BlobOperation) throws -> BlobResponse {
        switch operation {
        case .head, .get:
            let metadata = BlobMetadata(
                byteCount: number(), etag: text(), lastModified: time(),
                contentType: maybe { $0.text() }, userMetadata: pairs(),
                version: maybe { $0.text() })
            let ranges = (0..<(random.next() % 4)).map { _ in
                let start = number() / 2
                return start..<(start + number() / 2)
            }
            return .metadata(metadata, ranges: operation == .get ? ranges : [])
        case .put, .copy, .completeMultipartUpload:
            return .written(
                PutResult(
                    etag: text(), byteCount: number(), version: maybe { $0.text() },
                    sha256: maybe { $0.random.bytes(32) }))
        case .delete: return .deleted(DeleteResult(existed: maybe { $0.random.isTrue(oneIn: 2) }))
        case .deleteMany, .presignUploadParts, .removeListener, .listListeners: return .records
        case .addListener: return .listener(path: text())
        case .list: return .page(nextPageToken: maybe { $0.text() })
        case .presignGet, .presignPut, .presignHead, .presignDelete:
            return .url(
                PresignedURL(
                    url: text(), method: text(4), headers: pairs(), expiresAt: maybe { $0.time() }))
        case .createMultipartUpload: return .upload(try upload())
        case .uploadPart:
            return .part(
                UploadedPart(
                    partNumber: small(), etag: maybe { $0.text() },
                    byteCount: maybe { $0.number() }))
        case .listParts: return .parts(nextPartNumber: maybe { $0.small() })
        case .abortMultipartUpload: return .done
        case .capabilities:
            let limits = Capabilities.Limits(
                maximumBlobByteCount: random.next(), maximumPartByteCount: random.next(),
                minimumPartByteCount: random.next(), maximumPartCount: small(),
                maximumPresignSeconds: maybe { max(1, $0.small()) })
            return .capabilities(
                Capabilities(
                    operations: Set(BlobOperation.allCases.shuffled(using: &random).prefix(5)),
                    features: Capabilities.Features(rawValue: random.next()), limits: limits))
        case .info:
            return .info(
                ServerInfo(
                    serverName: text(), instanceID: text(), uptimeSeconds: random.next(),
                    schemes: [text()], mounts: [text(), text()],
                    counters: ["a.b": random.next(), "c": random.next()]))
        }
    }

    /// A copy with a few bytes changed, or cut off.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<(1 + random.next() % 4) where !result.isEmpty {
            result[Int(random.next() % UInt64(result.count))] = UInt8(
                truncatingIfNeeded: random.next())
        }
        if random.isTrue(oneIn: 3) {
            result.removeLast(Int(random.next() % UInt64(result.count + 1)))
        }
        return result
    }
}
