import BlobCore
import Testing

extension BlobStoreBehaviour {
    static let reads: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("a blob reads back as it was put, whatever its size") { context in
            for byteCount in [0, 1, 255 << 10, (5 << 20) + 17] {
                let bytes = patternBytes(count: byteCount, seed: UInt64(byteCount) + 3)
                let result = try await context.put("size-\(byteCount)", bytes)
                #expect(result.byteCount == UInt64(byteCount))
                #expect(try await context.get("size-\(byteCount)") == bytes)
            }
        },
        BlobStoreBehaviour("W-72 a read announces its ranges and delivers chunks in order") {
            context in
            let bytes = patternBytes(count: 3 << 20)
            try await context.put("blob", bytes)
            let read = try await context.store.read(context.uri("blob"))
            #expect(read.ranges == [0..<UInt64(bytes.count)])
            #expect(try await collect(read) == bytes)
        },
        BlobStoreBehaviour("head tells what put stored") { context in
            let result = try await context.put("blob", patternBytes(count: 1234))
            let metadata = try await context.store.head(context.uri("blob"))
            #expect(metadata.byteCount == 1234)
            #expect(metadata.etag == result.etag)
            #expect(metadata.etag.first == "\"" && metadata.etag.last == "\"")
            #expect(metadata.lastModified > Timestamp(milliseconds: 1_600_000_000_000))
        },
        BlobStoreBehaviour("CM-09 W-70 a missing blob is notFound, for head and read") { context in
            await context.expectAbsent("missing")
            await context.expectAbsent("missing/below/missing")
            let error = await expectError(.notFound) {
                _ = try await context.get("missing")
            }
            #expect(error?.uri == context.uri("missing").redactedDescription)
        },
        BlobStoreBehaviour("W-70 if-match and if-none-match decide what is read") { context in
            let first = try await context.put("blob", [1, 2, 3])
            let uri = context.uri("blob")
            let same = GetOptions(ifMatch: first.etag)
            #expect(try await context.store.get(uri, options: same).bytes == [1, 2, 3])
            await expectError(.notModified) {
                _ = try await context.store.read(uri, options: GetOptions(ifNoneMatch: first.etag))
            }
            await expectError(.notModified) {
                _ = try await context.store.head(uri, options: GetOptions(ifNoneMatch: first.etag))
            }
            let second = try await context.put("blob", [4, 5, 6])
            #expect(second.etag != first.etag)
            await expectError(.preconditionFailed) {
                _ = try await context.store.read(uri, options: same)
            }
            await expectError(.preconditionFailed) {
                _ = try await context.store.head(uri, options: same)
            }
            let changed = GetOptions(ifNoneMatch: first.etag)
            #expect(try await context.store.get(uri, options: changed).bytes == [4, 5, 6])
        },
        BlobStoreBehaviour("FS-07 CM-05 W-72 a read begun before a replacement never mixes") {
            context in
            let old = patternBytes(count: 4 << 20, seed: 1)
            let new = patternBytes(count: 4 << 20, seed: 2)
            try await context.put("blob", old)
            let read = try await context.store.read(context.uri("blob"))
            let first = try await read.source.next()
            try await context.put("blob", new)
            var content = Content(copying: try #require(first).bytes)
            do {
                while let chunk = try await read.source.next() { content.append(chunk.bytes) }
                #expect(content == old)
            } catch let error as BlobError {
                #expect(error.code == .objectChanged)
                #expect(content == Array(old.prefix(content.count)))
            }
        },
        BlobStoreBehaviour("a read given up early leaves the store usable") { context in
            let bytes = patternBytes(count: 2 << 20)
            try await context.put("blob", bytes)
            for _ in 0..<20 {
                let read = try await context.store.read(context.uri("blob"))
                _ = try await read.source.next()
                read.source.cancel()
            }
            #expect(try await context.get("blob") == bytes)
        },
    ]

    static let ranges: [BlobStoreBehaviour] = [
        BlobStoreBehaviour("IX1 CM-01 W-71 an empty range delivers nothing, never the whole") {
            context in
            try await context.put("blob", patternBytes(count: 100))
            for position: UInt64 in [0, 1, 99, 100, 5000, .max] {
                let range = ByteRange.bounded(start: position, end: position)
                #expect(try await context.get("blob", range: range).isEmpty, "at \(position)")
            }
            #expect(try await context.get("blob", range: .suffix(0)).isEmpty)
        },
        BlobStoreBehaviour("IX14 CM-01 W-71 a range that ends before it starts is refused") {
            context in
            try await context.put("blob", patternBytes(count: 100))
            for (start, end) in [(UInt64(5), UInt64(4)), (.max, 0), (100, 99)] {
                await expectError(.invalidArgument) {
                    _ = try await context.get("blob", range: .bounded(start: start, end: end))
                }
            }
        },
        BlobStoreBehaviour("CM-01 W-71 a range that starts past the end names the size") {
            context in
            try await context.put("blob", patternBytes(count: 100))
            for range in [
                ByteRange.bounded(start: 100, end: 101), .from(100), .from(.max),
                .bounded(start: .max - 1, end: .max),
            ] {
                let error = await expectError(.rangeNotSatisfiable) {
                    _ = try await context.get("blob", range: range)
                }
                #expect(error?.objectByteCount == 100, "\(range)")
            }
        },
        BlobStoreBehaviour("IX14 CM-01 W-71 a range that ends past the end is cut off") { context in
            let bytes = patternBytes(count: 100)
            try await context.put("blob", bytes)
            for end: UInt64 in [100, 101, 1 << 40, .max] {
                let range = ByteRange.bounded(start: 90, end: end)
                #expect(try await context.get("blob", range: range) == Array(bytes[90...]))
            }
        },
        BlobStoreBehaviour("W-71 every kind of range delivers its bytes") { context in
            let bytes = patternBytes(count: 1 << 20)
            let byteCount = UInt64(bytes.count)
            try await context.put("blob", bytes)
            let cases: [(ByteRange, Range<Int>)] = [
                (.bounded(start: 0, end: 1), 0..<1),
                (.bounded(start: 0, end: byteCount), 0..<bytes.count),
                (.bounded(start: 12_345, end: 900_001), 12_345..<900_001),
                (.from(0), 0..<bytes.count),
                (.from(byteCount - 1), bytes.count - 1..<bytes.count),
                (.from(262_143), 262_143..<bytes.count),
                (.suffix(1), bytes.count - 1..<bytes.count),
                (.suffix(300_000), bytes.count - 300_000..<bytes.count),
                (.suffix(byteCount), 0..<bytes.count),
                (.suffix(.max), 0..<bytes.count),
            ]
            for (range, expected) in cases {
                #expect(
                    try await context.get("blob", range: range) == Array(bytes[expected]),
                    "\(range)")
            }
        },
        BlobStoreBehaviour("CM-06 W-71 ranges of an empty blob") { context in
            try await context.put("empty", [])
            for range in [
                ByteRange.from(0), .suffix(5), .suffix(0), .bounded(start: 0, end: 10),
                .bounded(start: 7, end: 7),
            ] {
                #expect(try await context.get("empty", range: range).isEmpty, "\(range)")
            }
            let error = await expectError(.rangeNotSatisfiable) {
                _ = try await context.get("empty", range: .from(1))
            }
            #expect(error?.objectByteCount == 0)
        },
        BlobStoreBehaviour("W-72 several ranges come in the order asked, also overlapping") {
            context in
            let bytes = patternBytes(count: 700_000)
            try await context.put("blob", bytes)
            let options = GetOptions(ranges: [
                .suffix(10), .bounded(start: 5, end: 5), .bounded(start: 0, end: 300_000),
                .bounded(start: 100, end: 200), .from(699_999),
            ])
            let read = try await context.store.read(context.uri("blob"), options: options)
            #expect(
                read.ranges.map { Int($0.lowerBound)..<Int($0.upperBound) } == [
                    699_990..<700_000, 5..<5, 0..<300_000, 100..<200, 699_999..<700_000,
                ])
            let expected =
                bytes[699_990...] + bytes[..<300_000] + bytes[100..<200] + bytes[699_999...]
            #expect(try await collect(read) == Array(expected))
        },
        BlobStoreBehaviour("one bad range of several refuses the whole read") { context in
            try await context.put("blob", patternBytes(count: 10))
            await expectError(.rangeNotSatisfiable) {
                let options = GetOptions(ranges: [.from(0), .from(10)])
                _ = try await context.store.read(context.uri("blob"), options: options)
            }
        },
    ]
}
