internal import BlobCore

/// The role of the EC2 instance that this runs on, by version 2 of its metadata service.
struct InstanceMetadataCredentials: CredentialProvider {
    private static let rolePath = "latest/meta-data/iam/security-credentials/"
    private static let tokenSeconds = "21600"
    /// How long expired credentials are used while the service has no new ones.
    private static let extensionMilliseconds: Int64 = 5 * 60 * 1000

    let context: AWSCredentialContext
    var name: String { "instance metadata" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AWSCredentials> {
        guard !context.environment.isTrue("AWS_EC2_METADATA_DISABLED") else {
            return .absent("AWS_EC2_METADATA_DISABLED is true")
        }
        let base = try base()
        guard let token = try await token(base) else {
            return .absent(
                "\(base) does not answer; this is no EC2 instance, or in a container the"
                    + " instance's metadata hop limit (http-put-response-hop-limit) is below 2")
        }
        let list = try await get(base + Self.rolePath, token)
        guard list.status != 404 else { return .absent("the instance has no role") }
        try Self.check(list)
        guard let role = Self.firstLine(of: list.body) else {
            return .absent("the instance has no role")
        }
        let reply = try await get(base + Self.rolePath + PercentEncoding.query(role), token)
        try Self.check(reply)
        return .found(try credentials(in: reply))
    }

    private func base() throws(CredentialFailure) -> String {
        let environment = context.environment
        var text = "http://169.254.169.254"
        if HTTPHeaders.areEqual(environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] ?? "", "IPv6")
        {
            text = "http://[fd00:ec2::254]"
        }
        if let endpoint = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] { text = endpoint }
        guard let url = ServiceURL(text), url.query == nil else {
            throw CredentialFailure("AWS_EC2_METADATA_SERVICE_ENDPOINT is no http or https URL")
        }
        return url.path.hasSuffix("/") ? url.text : url.text + "/"
    }

    /// Nil when there is no such service here.
    private func token(_ base: String) async throws(CredentialFailure) -> String? {
        var request = Self.request(.put, base + "latest/api/token")
        request.headers.append("x-aws-ec2-metadata-token-ttl-seconds", Self.tokenSeconds)
        // The reply is lost, rather than refused, when the hop limit is too low.
        request.timeouts.firstByte = .seconds(1)
        let reply: CredentialHTTPReply
        do throws(CredentialFailure) {
            reply = try await context.requests.send(request)
        } catch {
            // Off EC2 nothing answers; on EC2 behind too many hops the reply never comes.
            guard !Task.isCancelled, error.isTransient else { throw error }
            return nil
        }
        // Version 1 needs no token, so that any program tricked into a request could be used to
        // read credentials; it is not fallen back to.
        try Self.check(reply)
        guard let token = Self.firstLine(of: reply.body) else {
            throw CredentialFailure("the token is empty")
        }
        return token
    }

    private func get(
        _ url: String, _ token: String
    ) async throws(CredentialFailure) -> CredentialHTTPReply {
        var request = Self.request(.get, url)
        request.headers.append("x-aws-ec2-metadata-token", token)
        return try await context.requests.send(request)
    }

    private static func request(_ method: HTTPRequest.Method, _ url: String) -> HTTPRequest {
        var request = HTTPRequest(method, url)
        request.usesProxy = false
        request.timeouts.connect = .seconds(1)
        request.timeouts.firstByte = .seconds(5)
        return request
    }

    private static func check(_ reply: CredentialHTTPReply) throws(CredentialFailure) {
        guard reply.status == 200 else {
            throw CredentialFailure(
                "the service answered with status \(reply.status)",
                isTransient: CredentialRequests.asksForAnother(reply.status)
                    || reply.status == 401)
        }
    }

    /// Nil unless it is text that a header and a URL can carry.
    private static func firstLine(of body: Bytes) -> String? {
        guard let text = body.utf8Text?.trimmingWhitespace else { return nil }
        let line = text.utf8.prefix { $0 != 0x0A && $0 != 0x0D }
        guard !line.isEmpty, line.allSatisfy(ASCII.isVisible) else { return nil }
        return String(Substring(line))
    }

    private func credentials(
        in reply: CredentialHTTPReply
    ) throws(CredentialFailure) -> AWSCredentials {
        let document = CredentialDocument.decode(AWSCredentialDocuments.Keys.self, from: reply.body)
        if let code = document?.code, code != "Success" {
            let shown = ServiceCode(code).map { " (\($0.text))" } ?? ""
            throw CredentialFailure("the service has no credentials\(shown)", isTransient: true)
        }
        guard var credentials = document?.credentials(needsExpiration: true) else {
            throw CredentialFailure("the service gave an answer that is no set of credentials")
        }
        // When the service cannot renew them, expired ones are accepted by AWS for a while.
        let now = context.clock.now()
        if let end = credentials.expiresAt, end <= now {
            credentials.expiresAt = Timestamp(
                milliseconds: now.milliseconds &+ Self.extensionMilliseconds)
        }
        return credentials
    }
}
