import BlobCore
import CFileShims
import Foundation
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

@Suite(.timeLimit(.minutes(10))) struct UploadJournalTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/journal" }
    private let note = UploadJournal.Note(
        uri: BlobURI(scheme: .s3, container: "b", key: "é\n/k"), uploadID: "u.1")

    init() throws { directory = try TemporaryDirectory() }

    @Test func `a note of a living process is nobody else's`() throws {
        let owner = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        let entry = try #require(owner.begin(note))
        let other = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        #expect(other.abandoned().isEmpty)
        withExtendedLifetime((owner, entry)) {}
    }

    @Test func `a program that is just being started does not hold a closed journal`() throws {
        let owner = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        _ = try #require(owner.begin(note))
        // What a child has between fork and exec: copies, each of which keeps a lock in force.
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .filter { descriptor in
                let target = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\(descriptor)")
                return target?.hasPrefix(path) ?? false
            }
        let copies = held.compactMap { Int32($0) }.map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count >= 2)
        owner.close()
        let next = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        #expect(next.abandoned().map { $0.entries.map(\.note) } == [[note]])
    }

    @Test func `a process that is just starting does not lose its journal`() async throws {
        let journal = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        let names = try names()
        let starting = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        let name = try #require(try self.names().subtracting(names).first)
        _ = try #require(starting.begin(note))
        // As between the moments when it makes its directory and when it locks its owner.
        starting.close()
        let area = SharedDescriptor(owning: cfile_open(path + "/lock", O_RDWR, 0))
        #expect(cfile_flock(area.rawValue, 1, 0) == 0)
        let found = Found()
        Thread.detachNewThread {
            let count = journal.abandoned().count
            found.count.withLock { $0 = count }
            found.isOver.signal()
        }
        // Until it waits, of which only the kernel knows.
        while !hasWaiter(for: area), found.count.withLock({ $0 }) == nil {
            await Task.yield()
        }
        let owner = SharedDescriptor(owning: cfile_open("\(path)/\(name)/owner", O_RDWR, 0))
        #expect(cfile_flock(owner.rawValue, 1, 0) == 0)
        cfile_unlock(area.rawValue)
        try await found.isOver.wait()
        #expect(found.count.withLock { $0 } == 0)
        withExtendedLifetime(owner) {}
    }

    private func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    private final class Found: Sendable {
        let count = Mutex<Int?>(nil)
        let isOver = Event()
    }

    /// Whether somebody waits for the lock of this file.
    private func hasWaiter(for file: SharedDescriptor) -> Bool {
        var status = stat()
        // Not as a string: Foundation takes the first page for all of it.
        guard fstat(file.rawValue, &status) == 0,
            let locks = FileHandle(forReadingAtPath: "/proc/locks")?.readDataToEndOfFile()
        else { return true }
        return String(decoding: locks, as: UTF8.self).split(separator: "\n").contains {
            $0.contains("-> FLOCK") && $0.contains(":\(status.st_ino) ")
        }
    }

    @Test func `what a dead process left is found once and can be cleared`() throws {
        var owner: UploadJournal? = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        let ended = try #require(owner?.begin(note))
        ended.end()
        _ = try #require(owner?.begin(note))
        // Its lock goes with it, as with a process that was killed.
        owner = nil
        let next = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        let stranger = try UploadJournal(path: path, scheme: .s3, endpointName: "other")
        #expect(stranger.abandoned().isEmpty)
        let otherStore = try UploadJournal(path: path, scheme: .gs, endpointName: "host")
        #expect(otherStore.abandoned().isEmpty)
        let found = next.abandoned()
        #expect(found.map { $0.entries.map(\.note) } == [[note]])
        // Held by the first finder.
        let second = try UploadJournal(path: path, scheme: .s3, endpointName: "host")
        #expect(second.abandoned().isEmpty)
        for abandoned in found {
            next.remove(abandoned)
            for entry in abandoned.entries { entry.entry.end() }
            next.remove(abandoned)
        }
        #expect(second.abandoned().isEmpty)
    }
}
