import Foundation
import Testing

/// No threat of SECURITY.md without a test: each row names suites, and they exist.
@Suite struct SecurityDocumentTests {
    private var threats: [(id: String, proof: String)] {
        get throws {
            try Repository.text("SECURITY.md").split(separator: "\n").compactMap { line in
                let cells = line.split(separator: "|").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
                guard let id = cells.first, id.wholeMatch(of: #/T[0-9]+/#) != nil else {
                    return nil
                }
                return (id, cells.last ?? "")
            }
        }
    }

    @Test("Threats are numbered from T1 without a gap")
    func numbers() throws {
        let ids = try threats.map(\.id)
        #expect(!ids.isEmpty)
        #expect(ids == ids.indices.map { "T\($0 + 1)" })
    }

    @Test("Every threat names suites that exist")
    func proofs() throws {
        var suites: Set<String> = []
        for file in Repository.files(under: "Tests") where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: #/(?:struct|class) ([A-Za-z0-9]+Tests)\b/#) {
                suites.insert(String(match.output.1))
            }
        }
        let targets = Set(
            try FileManager.default.contentsOfDirectory(
                atPath: Repository.root.appending(path: "Tests").path))
        for (id, proof) in try threats {
            let named = proof.matches(of: #/`([A-Za-z0-9]+Tests)`/#).map { String($0.output.1) }
            #expect(!named.isEmpty, "\(id) has no test")
            let missing = named.filter { !suites.contains($0) && !targets.contains($0) }
            #expect(missing == [], "\(id)")
        }
    }
}
