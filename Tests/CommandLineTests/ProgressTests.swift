import BlobCore
import Synchronization
import Testing

@testable import blobctl

@Suite struct ProgressTests {
    @Test func knownSize() {
        var meter = ProgressMeter(totalByteCount: 4 << 20, start: .zero)
        let text = meter.text(byteCount: 1 << 20, now: .seconds(1), columnCount: 80)
        #expect(text == "1.0 MiB of 4.0 MiB  25 %  1.0 MiB/s  0:03 left")
    }

    @Test func unknownSize() {
        var meter = ProgressMeter(totalByteCount: nil, start: .seconds(5))
        let text = meter.text(byteCount: 2048, now: .seconds(7), columnCount: 80)
        #expect(text == "2.0 KiB  1.0 KiB/s  0:02")
    }

    @Test func redrawsAtMostTenTimesASecond() {
        var meter = ProgressMeter(totalByteCount: nil, start: .zero)
        let drawn = (1...1000).count { millisecond in
            meter.text(byteCount: 1, now: .milliseconds(millisecond), columnCount: 80) != nil
        }
        #expect(drawn == 10)
    }

    @Test func fitsTheTerminal() {
        var meter = ProgressMeter(totalByteCount: 10, start: .zero)
        #expect(meter.text(byteCount: 1, now: .seconds(1), columnCount: 11)?.count == 10)
        #expect(meter.text(byteCount: 1, now: .seconds(2), columnCount: 0) == "")
    }

    @Test func survivesOddNumbers() {
        var meter = ProgressMeter(totalByteCount: 0, start: .zero)
        #expect(meter.text(byteCount: .max, now: .milliseconds(100), columnCount: 80) != nil)
        #expect(meter.text(byteCount: 0, now: .seconds(1), columnCount: 80) != nil)
    }

    @Test func barIsErased() {
        let (sink, time) = (MemorySink(), MutexClock())
        let bar = ProgressBar(totalByteCount: 10, sink: sink, now: { time.now })
        bar.advance(by: 1)
        bar.clear()
        #expect(sink.text == "", "nothing was drawn, so nothing is erased")
        time.advance(.seconds(1))
        bar.advance(by: 1)
        #expect(sink.text.hasPrefix("\r\u{1b}[K2 B of 10 B  20 %"))
        bar.clear()
        bar.clear()
        #expect(sink.text.hasSuffix("left\r\u{1b}[K"))
    }

    @Test func onlyOnTerminals() {
        var console = Console(output: MemorySink(), errors: MemorySink())
        #expect(ProgressBar(totalByteCount: 1, console: console) == nil)
        console.errorsAreTerminal = true
        #expect(ProgressBar(totalByteCount: 1, console: console) != nil)
        console.usesJSON = true
        #expect(ProgressBar(totalByteCount: 1, console: console) == nil)
        (console.usesJSON, console.isQuiet) = (false, true)
        #expect(ProgressBar(totalByteCount: 1, console: console) == nil)
    }

    @Test func sourceIsPassedThrough() async throws {
        let time = MutexClock()
        let (sink, data) = (MemorySink(), pattern(5000))
        let bar = ProgressBar(totalByteCount: 5000, sink: sink, now: { time.now })
        let source = BlobBody(data).counted(by: bar).makeSource()
        time.advance(.seconds(1))
        var received: [UInt8] = []
        while let bytes = try await source.next() { received += Array(bytes) }
        #expect(received == data)
        #expect(sink.text.contains("100 %") == false, "not before the consumer came back")
    }

    final class MutexClock: Sendable {
        private let time = Mutex(Duration.zero)
        var now: Duration { time.withLock { $0 } }
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
    }
}
