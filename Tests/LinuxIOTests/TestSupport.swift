import CLinuxShims
import Glibc
import Synchronization
import Testing

@testable import LinuxIO

/// A directory of its own for each test; removed with what is in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/linuxio-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemError(errorNumber: errno, operation: "mkdtemp")
        }
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { removeTree(path) }

    func file(_ name: String) -> String { path + "/" + name }

    var names: [String] { listDirectory(path) }
}

func listDirectory(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

private func removeTree(_ path: String) {
    for name in listDirectory(path) {
        let child = path + "/" + name
        if unlink(child) != 0 { removeTree(child) }
    }
    rmdir(path)
}

/// State that a test only touches on the loop thread, or after the loop is done with it.
final class Confined<Value>: @unchecked Sendable {
    // @unchecked: see above; the tests hand it over through the loop's own queue.
    var value: Value

    init(_ value: Value) { self.value = value }
}

/// Blocks a thread until a test opens it.
final class Gate: Sendable {
    private let lock = ConditionLock(false)

    func open() {
        lock.withLock { isOpen in isOpen = true }
        lock.signalAll()
    }

    func wait() { lock.wait { isOpen in isOpen ? () : nil } }
}

/// A loop that ends with the test.
func withLoop<Result: Sendable>(
    systemCalls: SystemCalls = .live, _ body: (EventLoop) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop(name: "test", systemCalls: systemCalls)
    defer { loop.shutdownAndWait() }
    return try await body(loop)
}

extension EventLoop {
    /// Runs `body` on the loop and waits for it.
    func perform<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            execute { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Runs `body` on the loop; it gets a closure to call when all is done.
    func performUntilDone<Value: Sendable>(
        _ body: @escaping @Sendable (_ done: @escaping @Sendable (Value) -> Void) throws -> Void
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            execute {
                do {
                    try body { value in continuation.resume(returning: value) }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}

final class ClosureHandler: ReadinessHandler {
    var onReady: (ReadinessSet) -> Void

    init(_ onReady: @escaping (ReadinessSet) -> Void) { self.onReady = onReady }

    func ready(_ readiness: ReadinessSet) { onReady(readiness) }
}

final class ClosureEndOfTurn: EndOfTurnHandler {
    let onEnd: () -> Void

    init(_ onEnd: @escaping () -> Void) { self.onEnd = onEnd }

    func endOfTurn() { onEnd() }
}

func sendBytes(_ bytes: [UInt8], to stream: SocketStream) -> TransferResult {
    bytes.withUnsafeBytes { stream.send($0) }
}

func receiveBytes(
    _ byteCountMax: Int, from stream: SocketStream
) -> (result: ReceiveResult, bytes: [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: byteCountMax)
    let result = bytes.withUnsafeMutableBytes { stream.receive(into: $0) }
    guard case .transferred(let count) = result.transfer else { return (result, []) }
    return (result, Array(bytes[..<count]))
}

/// Calls waiting to be answered in a test's own way: the next errno, or nil for the real call.
final class Script: Sendable {
    private let answers: Mutex<[Int?]>

    init(_ answers: [Int?]) { self.answers = Mutex(answers) }

    func next() -> Int? {
        answers.withLock { answers in answers.isEmpty ? nil : answers.removeFirst() }
    }

    var remaining: Int { answers.withLock { $0.count } }
}

/// Makes `number` mean the file of `source`; what it meant before is closed.
func replaceDescriptor(_ number: Int32, with source: Int32) -> Bool {
    dup2(source, number) == number
}
