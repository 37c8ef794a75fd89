import BlobCore
import Foundation
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
