// temporary
internal import BlobCore
internal import LinuxIO
struct CredentialEnvironment: Sendable { static var process: CredentialEnvironment { CredentialEnvironment() } }
protocol CredentialHTTP: Sendable {}
struct EngineCredentialHTTP: CredentialHTTP { var engines: HTTPEnginePool }
struct AWSCredentialChain: AWSCredentialSource {
    let explicit: AWSCredentials?
    init(explicit: AWSCredentials?, profile: String?, region: String?, environment: CredentialEnvironment, http: any CredentialHTTP, blockingPool: BlockingPool, clock: WallClock) { self.explicit = explicit }
    func credentials() async throws(BlobError) -> AWSCredentials { if let explicit { return explicit } ; throw BlobError(.other, "") }
    func invalidate(_ refused: AWSCredentials) {}
}
enum AWSRegionSource { static func region(profile: String?, environment: CredentialEnvironment) -> String? { nil } }
