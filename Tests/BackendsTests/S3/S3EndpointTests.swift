import BlobCore
import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct S3EndpointTests {
    private func endpoint(
        _ text: String?, _ addressing: S3Configuration.Addressing = .automatic
    ) throws -> S3Endpoint {
        var configuration = S3Configuration()
        configuration.endpoint = text
        configuration.addressing = addressing
        return try S3Endpoint(configuration)
    }

    @Test(arguments: [
        ("bucket", "https://bucket.s3.eu-west-1.amazonaws.com/k"),
        ("my.bucket", "https://s3.eu-west-1.amazonaws.com/my.bucket/k"),
        ("Old_Bucket", "https://s3.eu-west-1.amazonaws.com/Old_Bucket/k"),
    ])
    func `S3-06, IX8 AWS buckets are in the host when a certificate covers that`(
        bucket: String, url: String
    ) throws {
        let address = try endpoint(nil).address(bucket: bucket, region: "eu-west-1")
        #expect(address.origin + address.encodedPath(key: "k") == url)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8333", "http://127.0.0.1:8333/bucket/k"),
        ("https://Minio.Example:443/", "https://minio.example/bucket/k"),
        ("http://host:80/base/path/", "http://host/base/path/bucket/k"),
        ("https://[::1]:9000", "https://[::1]:9000/bucket/k"),
    ])
    func `S3-05, S3-06 custom endpoints have the bucket in the path`(
        endpoint text: String, url: String
    ) throws {
        let address = try endpoint(text).address(bucket: "bucket", region: "us-east-1")
        #expect(address.origin + address.encodedPath(key: "k") == url)
    }

    @Test func `addressing can be chosen, and China has its own domain`() throws {
        let path = try endpoint(nil, .path).address(bucket: "bucket", region: "cn-north-1")
        #expect(path.host == "s3.cn-north-1.amazonaws.com.cn" && path.path == "/bucket")
        let host = try endpoint("https://r2.example", .virtualHost)
            .address(bucket: "bucket", region: "auto")
        #expect(host.host == "bucket.r2.example" && host.path.isEmpty)
    }

    @Test(arguments: ["..", "...", "a", "a/b", "evil.com#", "a b", "bücket", "a@b", "x:1"])
    func `a bucket cannot become another host or path`(bucket: String) throws {
        for addressing in S3Configuration.Addressing.allCases {
            let endpoint = try endpoint(nil, addressing)
            let error = #expect(throws: BlobError.self) {
                try endpoint.address(bucket: bucket, region: "us-east-1")
            }
            #expect(error?.code == .invalidURI)
        }
    }

    @Test(arguments: [
        "", "host", "ftp://host", "http://", "http://user:secret@host", "http://host?x=y",
        "http://host/#f", "https://ho st",
    ])
    func `an endpoint is an origin and perhaps a path, and an error does not repeat it`(
        text: String
    ) {
        let error = #expect(throws: BlobError.self) { try endpoint(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func `S3-07 a learnt region is used for an hour`() async throws {
        let regions = S3Regions { () throws(BlobError) in nil }
        let start = ContinuousClock.now
        regions.learn("eu-north-1", of: "bucket", now: start)
        let late = start + .seconds(3599)
        #expect(try await regions.region(of: "bucket", now: late) == "eu-north-1")
        let later = start + .seconds(3600)
        #expect(try await regions.region(of: "bucket", now: later) == "us-east-1")
        #expect(try await regions.region(of: "other", now: start) == "us-east-1")
    }

    @Test func `the region to begin with comes from where it is found, and is one`() async throws {
        let found = S3Regions { () throws(BlobError) in "eu-west-3" }
        #expect(try await found.region(of: "bucket", now: .now) == "eu-west-3")
        let broken = S3Regions { () throws(BlobError) in "evil.example/" }
        let error = await #expect(throws: BlobError.self) {
            try await broken.region(of: "bucket", now: .now)
        }
        #expect(error?.code == .invalidArgument)
        for name in ["", "evil.com/", "EU", "a_b", "eu west"] {
            #expect(!S3Endpoint.isRegionName(name))
        }
        #expect(S3Endpoint.isRegionName("eu-west-1") && S3Endpoint.isRegionName("auto"))
    }
}
