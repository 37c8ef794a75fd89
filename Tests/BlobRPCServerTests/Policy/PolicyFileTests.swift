import BlobCore
import TestKit
import Testing

/// What is wrong with a policy in the file is said by name, before anything is served.
@Suite(.timeLimit(.minutes(10))) struct PolicyFileTests {
    private func complaint(_ policy: String) async throws -> (status: Int32, text: String) {
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            roots: [\(directory.path)/root]
            mounts: {data: "file://\(directory.path)/root/data"}
            listeners:
              - path: \(directory.path)/first.sock
              - path: \(directory.path)/job.sock
                policy: \(policy)
            """, to: "configuration.yaml")
        let outcome = try await Program.run([
            "\(ServerProcess.productsDirectory)/blobrpcd", "--config",
            "\(directory.path)/configuration.yaml",
        ])
        #expect(!directory.has("first.sock"))
        return (outcome.status, outcome.complaint)
    }

    @Test(
        "errors name the listener and the key",
        arguments: [
            ("{trusted: true}", "unknown key 'trusted'"),
            ("{trust: maybe}", "policy.trust: 'maybe'"),
            // What is commented out below its key must not be taken for no limit.
            ("", "the key 'policy' has no value"), ("~", "the key 'policy' has no value"),
            ("{users: }", "policy: the key 'users' has no value"),
            ("{grants: null}", "policy: the key 'grants' has no value"),
            (
                "{presign: {maximumSeconds: 60, methods: }}",
                "policy.presign: the key 'methods' has no value"
            ),
            ("{trust: untrusted}", "policy.grants"),
            ("{mounts: [data], grants: []}", "policy.mounts"),
            ("{mounts: [date]}", "policy.mounts: there is no mount 'date'"),
            (
                "{grants: [{prefix: 'blob://date/', operations: [read]}]}",
                "policy.grants[0].prefix: there is no mount 'date'"
            ),
            ("{grants: [{prefix: 'data', operations: [read]}]}", "policy.grants[0].prefix"),
            ("{grants: [{prefix: 'blob://data/', operations: []}]}", "policy.grants[0].operations"),
            (
                "{grants: [{prefix: 'blob://data/', operations: [raed]}]}",
                "policy.grants[0].operations: 'raed'"
            ),
            (
                "{grants: [{prefix: 'blob://data/', operations: [read], x: 1}]}",
                "policy.grants[0]: unknown key 'x'"
            ),
            ("{grants: [{operations: [read]}]}", "policy.grants[0]: the key 'prefix' is missing"),
            ("{presign: {maximumSeconds: 0, methods: [GET]}}", "policy.presign.maximumSeconds"),
            ("{presign: {maximumSeconds: 60, methods: [get]}}", "policy.presign.methods: 'get'"),
            (
                "{presign: {maximumSeconds: 60, verbs: [GET]}}",
                "policy.presign: unknown key 'verbs'"
            ),
            (
                "{maximumBlobBytes: 1, presign: {maximumSeconds: 60, methods: [PUT]}}",
                "policy.presign.methods"
            ),
            ("{connectionBurst: 3}", "policy.connectionBurst"),
            ("{callBurst: 3}", "policy.callBurst"), ("{byteBurst: 3}", "policy.byteBurst"),
            ("{maximumCalls: 0}", "policy.maximumCalls"),
            ("{memoryBytes: 1}", "policy.memoryBytes"),
            ("{maximumUploads: 0}", "policy.maximumUploads"),
            ("{users: [root]}", "policy.users[0]"),
            ("{backendDetails: perhaps}", "policy.backendDetails"),
        ])
    func errors(policy: String, expected: String) async throws {
        let (status, text) = try await complaint(policy)
        #expect(status != 0)
        #expect(text.contains(expected), "\(text)")
        #expect(text.contains("job.sock") || text.contains("listeners[1]"), "\(text)")
    }
}
