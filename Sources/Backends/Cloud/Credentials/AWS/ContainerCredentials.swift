internal import BlobCore

/// The endpoint that ECS and EKS give a container.
struct ContainerCredentials: CredentialProvider {
    let context: AWSCredentialContext
    var name: String { "container" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AWSCredentials> {
        let environment = context.environment
        let url: String
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/"), let known = ServiceURL("http://169.254.170.2\(path)") else {
                throw CredentialFailure(
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path that begins with '/'")
            }
            url = known.text
        } else if let text = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard let full = ServiceURL(text), Self.isAllowed(full) else {
                throw CredentialFailure(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to loopback,"
                        + " 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]")
            }
            url = full.text
        } else {
            return .absent(
                "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor"
                    + " AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
        }
        var request = HTTPRequest(.get, url)
        request.usesProxy = false
        request.timeouts.connect = .seconds(2)
        request.timeouts.firstByte = .seconds(5)
        if let token = try await token() { request.headers.append("authorization", token) }
        return .found(try await read(request))
    }

    private func read(_ request: HTTPRequest) async throws(CredentialFailure) -> AWSCredentials {
        let reply = try await context.requests.send(request)
        guard reply.status == 200 else {
            throw CredentialFailure(
                "the endpoint answered with status \(reply.status)",
                isTransient: CredentialRequests.asksForAnother(reply.status))
        }
        let document = CredentialDocument.decode(AWSCredentialDocuments.Keys.self, from: reply.body)
        guard let credentials = document?.credentials(needsExpiration: false) else {
            throw CredentialFailure("the endpoint gave an answer that is no set of credentials")
        }
        return credentials
    }

    /// Kubernetes replaces the file now and then, so it is read each time.
    private func token() async throws(CredentialFailure) -> String? {
        let environment = context.environment
        var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            let text: String?
            do throws(CredentialFailure) {
                text = try await context.files.text(at: path)
            } catch {
                throw error.from(path)
            }
            guard let text else { throw CredentialFailure("there is no token file \(path)") }
            token = String(text.trimmingWhitespace)
        }
        guard let token else { return nil }
        guard token.utf8.allSatisfy({ $0 == 0x20 || ASCII.isVisible($0) }), !token.isEmpty else {
            throw CredentialFailure(
                "the authorization token is empty or has characters that no header can carry")
        }
        return token
    }

    /// Credentials must not cross a network in the clear, nor may a token be sent just anywhere.
    static func isAllowed(_ url: ServiceURL) -> Bool {
        url.isSecure || url.isLoopback
            || ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(url.hostName)
    }
}
