import Glibc
import Testing

@testable import Backends
@testable import CloudBackends

/// Variables and paths.
@Suite struct CredentialEnvironmentTests {
    @Test("The variables of this process")
    func process() throws {
        let environment = CredentialEnvironment.process
        let path = try #require(getenv("PATH"))
        #expect(environment["PATH"] == String(cString: path))
        #expect(environment.homeDirectory.hasPrefix("/"))
        #expect(environment["NO_SUCH_VARIABLE_IS_SET"] == nil)
    }

    @Test("An empty variable counts as none, and the home directory is found by its sign")
    func values() {
        let environment = CredentialEnvironment(
            variables: ["EMPTY": "", "A": "a=b", "T": "True", "F": "1"], homeDirectory: "/h")
        #expect(environment["EMPTY"] == nil && environment["A"] == "a=b")
        #expect(environment.isTrue("T") && !environment.isTrue("F") && !environment.isTrue("X"))
        #expect(environment.expanded("~/x") == "/h/x")
        #expect(environment.expanded("/~/x") == "/~/x")
        #expect(environment.expanded("~other/x") == "~other/x")
    }
}
