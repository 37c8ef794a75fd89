import BlobCore
import Foundation
import LinuxIO
import TestKit
import Testing

@testable import CloudBackends

/// Whom an engine trusts.
@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: FileManager.default.isExecutableFile(atPath: TLSFileServer.program)))
struct HTTPSecurityTests {
    private func fixture(
        _ configure: (inout HTTPEngineSettings) -> Void = { _ in }
    ) throws -> HTTPFixture {
        try HTTPFixture(settings: HTTPFixture.settings(configure)) { _ in ScriptedResponse() }
    }

    @Test func anUnknownAuthorityIsRefused() async throws {
        let server = try TLSFileServer()
        defer { server.stop() }
        try await withHTTP(fixture()) { fixture in
            let failure = await expectFailure(.tls(isCertificate: true)) {
                try await fixture.run(HTTPFixture.request(url: server.url))
            }
            #expect(failure?.mayHaveBeenSent == false)
        }
    }

    @Test func theFileOfAuthoritiesIsUsed() async throws {
        let server = try TLSFileServer()
        defer { server.stop() }
        let fixture = try fixture {
            $0.certificateFile = server.certificateFile
            $0.nameOverrides = ["other.test:\(server.port):127.0.0.1"]
        }
        try await withHTTP(fixture) { fixture in
            for _ in 0..<3 {
                let answer = try await fixture.run(HTTPFixture.request(url: server.url))
                #expect(answer.body.utf8Text == "hello")
            }
            // The right authority, but a certificate for another name.
            await expectFailure(.tls(isCertificate: true)) {
                try await fixture.run(
                    HTTPFixture.request(url: "https://other.test:\(server.port)/hello"))
            }
        }
    }

    @Test func aFileThatIsNotThereTrustsNobody() async throws {
        let server = try TLSFileServer()
        defer { server.stop() }
        let fixture = try fixture { $0.certificateFile = "/nonexistent/authorities.pem" }
        try await withHTTP(fixture) { fixture in
            await expectFailure(.engine) {
                try await fixture.run(HTTPFixture.request(url: server.url))
            }
        }
    }

    @Test func aServerWithoutTLSIsNoCertificateProblem() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "plain")])) { fixture in
            let failure = await expectFailure(.tls(isCertificate: false)) {
                let url = "https://127.0.0.1:\(fixture.server.port)/"
                // The server waits for the end of a head that never comes.
                Task { [server = fixture.server] in
                    try await server.wait { $0.connections == 1 }
                    server.stop()
                }
                try await fixture.run(HTTPFixture.request(url: url))
            }
            #expect(failure?.mayHaveBeenSent == false)
        }
    }
}
