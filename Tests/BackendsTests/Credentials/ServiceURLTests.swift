import Testing

@testable import Backends
@testable import CloudBackends

/// URLs of services that get tokens, from the environment.
@Suite struct ServiceURLTests {
    @Test("Host, port, path and query")
    func parts() throws {
        let plain = try #require(ServiceURL("https://sts.example.com"))
        #expect(plain.isSecure && plain.host == "sts.example.com" && plain.path == "/")
        #expect(plain.text == "https://sts.example.com/")
        let full = try #require(ServiceURL("HTTP://Host:8080/a/b?c=d?e#f"))
        #expect(!full.isSecure && full.host == "Host:8080" && full.hostName == "host")
        #expect(full.path == "/a/b" && full.query == "c=d?e")
        #expect(ServiceURL("https://h:443/")?.host == "h")
        #expect(ServiceURL("http://h:80/")?.host == "h")
        #expect(ServiceURL("http://h:443?q")?.text == "http://h:443/?q")
        #expect(ServiceURL("http://[::1]:9000/x")?.hostName == "::1")
        #expect(ServiceURL("http://[FD00:ec2::23]")?.hostName == "fd00:ec2::23")
    }

    @Test(
        "What is no such URL is refused",
        arguments: [
            "", "http", "http://", "https:///x", "ftp://h/", "//h/", "h", "http://user@h/",
            "http://127.0.0.1@evil/", "http://127.0.0.1:80@evil/", "http://h:x/", "http://h:0/",
            "http://h:65536/", "http://h:-1/", "http://h /", "http://h\r\nx: y/", "http://[::1/",
            "http://[::1]x/", "http://[evil.com]/", "http://h\\@evil/", "http://é/",
            "http://h/\u{7F}", "http://%31/", "http://h:1:2/",
        ])
    func refused(text: String) {
        #expect(ServiceURL(text) == nil)
    }

    @Test("Container endpoints may be in the clear on this machine only")
    func allowed() {
        func isAllowed(_ text: String) -> Bool? {
            ServiceURL(text).map(ContainerCredentials.isAllowed)
        }
        for text in [
            "https://anywhere.example/x", "http://localhost:1/", "http://127.0.0.1/",
            "http://127.255.0.9/", "http://[::1]/", "http://169.254.170.2/",
            "http://169.254.170.23/v1", "http://[fd00:ec2::23]/", "http://LOCALHOST/",
        ] {
            #expect(isAllowed(text) == true, "\(text)")
        }
        for text in [
            "http://example.com/", "http://127.0.0.1.example.com/", "http://127.1/",
            "http://127.0.0.256/", "http://0127.0.0.1/", "http://127.0.0.01/", "http://2130706433/",
            "http://169.254.170.3/", "http://169.254.169.254/", "http://localhost.example.com/",
            "http://[::ffff:1.2.3.4]/", "http://127.0.0.1./", "http://127.0.0./",
        ] {
            #expect(isAllowed(text) == false, "\(text)")
        }
    }
}
