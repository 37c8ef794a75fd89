import Foundation
import Testing

/// Every rule of protocol.md is named where it is enforced and by a test that proves it. This file
/// names no rule, so it cannot stand in for either.
@Suite struct RuleIdentifierTests {
    /// Says what stores have to do, and enforces nothing.
    private static let interfaceName = "BlobStore.swift"

    private func identifiers(in folder: String, _ extensions: [String]) throws -> Set<String> {
        var found: Set<String> = []
        for file in Repository.files(under: folder)
        where extensions.contains(file.pathExtension)
            && file.lastPathComponent != Self.interfaceName
        {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: #/W-[0-9]{2,3}/#) { found.insert(String(match.output)) }
        }
        return found
    }

    @Test("Every rule is named where it is enforced")
    func sources() throws {
        let rules = try ProtocolDocument().rules
        #expect(Set(rules).count == rules.count, "an id is defined twice")
        let sources = try identifiers(in: "Sources", ["swift"])
        #expect(Set(rules).subtracting(sources).sorted() == [])
        #expect(sources.subtracting(rules).sorted() == [], "ids without a rule")
    }

    /// The independent client names rules too; it is another program and does not count.
    @Test("Every rule is named by a test or a vector")
    func tests() throws {
        let rules = Set(try ProtocolDocument().rules)
        let tests = try identifiers(in: "Tests", ["swift"])
            .union(try identifiers(in: "Vectors", ["json"]))
        #expect(rules.subtracting(tests).sorted() == [])
        let all = tests.union(try identifiers(in: "Tests", ["py"]))
        #expect(all.subtracting(rules).sorted() == [], "ids without a rule")
    }
}
