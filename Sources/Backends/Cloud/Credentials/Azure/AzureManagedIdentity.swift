internal import BlobCore

/// Which identity of the machine to use, where it may have several.
enum AzureManagedIdentity: Sendable, Hashable {
    case systemAssigned
    case clientID(String)
    case objectID(String)
    case resourceID(String)
}

/// A token for the machine or application that this runs on, from the service beside it.
struct AzureManagedIdentityCredentials: CredentialProvider {
    private static let resource = "https://storage.azure.com/"

    let context: AzureCredentialContext
    /// Nil for the one that the environment names, if any.
    var explicit: AzureManagedIdentity?
    var name: String { "managed identity" }

    private var identity: AzureManagedIdentity {
        explicit ?? context.environment[AzureVariable.clientID].map { .clientID($0) }
            ?? .systemAssigned
    }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        if let endpoint = context.environment[AzureVariable.identityEndpoint] {
            return .found(try await fromApplicationService(endpoint))
        }
        return try await fromInstanceMetadata()
    }

    /// App Service, Functions and Container Apps.
    private func fromApplicationService(
        _ text: String
    ) async throws(CredentialFailure) -> AzureCredentials {
        guard let secret = context.environment[AzureVariable.identityHeader] else {
            throw CredentialFailure(
                "\(AzureVariable.identityEndpoint) is set, \(AzureVariable.identityHeader) is not")
        }
        guard let url = ServiceURL(text), url.query == nil,
            url.isSecure || url.isLoopback || url.hostName.hasPrefix("169.254.")
        else {
            throw CredentialFailure(
                "\(AzureVariable.identityEndpoint) must be https, or http to loopback or a"
                    + " link-local address")
        }
        guard secret.utf8.allSatisfy(ASCII.isVisible) else {
            throw CredentialFailure(
                "\(AzureVariable.identityHeader) has characters that no header can carry")
        }
        var request = request(
            url.text, version: "2019-08-01", resourceParameter: "mi_res_id")
        request.headers.append("x-identity-header", secret)
        return try credentials(in: try await context.requests.send(request))
    }

    /// Of a virtual machine, a scale set or a node of a cluster.
    private func fromInstanceMetadata() async throws(CredentialFailure) -> CredentialAnswer<
        AzureCredentials
    > {
        let text = context.environment[AzureVariable.metadataHost] ?? "http://169.254.169.254"
        guard let host = ServiceURL(text), host.query == nil, host.path == "/" else {
            throw CredentialFailure("\(AzureVariable.metadataHost) is no http or https host")
        }
        var request = request(
            "\(host.text)metadata/identity/oauth2/token", version: "2018-02-01",
            resourceParameter: "msi_res_id")
        request.headers.append("metadata", "true")
        // Elsewhere than on Azure, nothing answers.
        request.timeouts.connect = .seconds(1)
        let reply: CredentialHTTPReply
        do throws(CredentialFailure) {
            reply = try await context.requests.send(request)
        } catch {
            guard !Task.isCancelled, error.isTransient else { throw error }
            return .absent("\(host.text) does not answer; this is no machine of Azure")
        }
        // So the service says that the machine has no identity.
        if reply.status == 400, explicit == nil {
            return .absent(
                "\(host.text) has no identity for this machine"
                    + AzureTokenDocument.reason(in: reply.body))
        }
        return .found(try credentials(in: reply))
    }

    private func request(
        _ url: String, version: String, resourceParameter: String
    ) -> HTTPRequest {
        var query = "?api-version=\(version)&resource=\(PercentEncoding.query(Self.resource))"
        let selection: (name: String, value: String)? =
            switch identity {
            case .systemAssigned: nil
            case .clientID(let value): ("client_id", value)
            case .objectID(let value): ("object_id", value)
            case .resourceID(let value): (resourceParameter, value)
            }
        if let (name, value) = selection { query += "&\(name)=\(PercentEncoding.query(value))" }
        var request = HTTPRequest(.get, url + query)
        request.usesProxy = false
        request.timeouts.connect = .seconds(2)
        request.timeouts.firstByte = .seconds(10)
        return request
    }

    private func credentials(
        in reply: CredentialHTTPReply
    ) throws(CredentialFailure) -> AzureCredentials {
        guard reply.status == 200 else {
            throw CredentialFailure(
                "the service answered with status \(reply.status)"
                    + "\(AzureTokenDocument.reason(in: reply.body)); check that the machine has the"
                    + " identity",
                // 404 and 410 are answered while the service starts or is updated.
                isTransient: CredentialRequests.asksForAnother(reply.status)
                    || reply.status == 404 || reply.status == 410)
        }
        let document = CredentialDocument.decode(AzureTokenDocument.self, from: reply.body)
        guard let credentials = document?.credentials(now: context.clock.now()) else {
            throw CredentialFailure("the service gave an answer that has no token")
        }
        return credentials
    }
}
