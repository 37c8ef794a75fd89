internal import BlobCore

/// A role to take on.
struct AssumedRole: Sendable {
    var roleARN: String
    var sessionName: String?
    var externalID: String?
    var durationSeconds: UInt32?
}

/// AWS's Security Token Service, or one like it.
struct TokenService: Sendable {
    private static let contentType = "application/x-www-form-urlencoded; charset=utf-8"

    let context: AWSCredentialContext
    /// Nil for the one global endpoint.
    let region: String?

    /// Credentials of `role` for whoever holds the token. Not signed: the token proves who we are.
    func assume(
        _ role: AssumedRole, webIdentityToken: String
    ) async throws(CredentialFailure) -> AWSCredentials {
        var form = parameters("AssumeRoleWithWebIdentity", role)
        form.append(("WebIdentityToken", webIdentityToken))
        return try await send(form, signedWith: nil)
    }

    /// Credentials of `role` for whoever holds `credentials`.
    func assume(
        _ role: AssumedRole, with credentials: AWSCredentials
    ) async throws(CredentialFailure) -> AWSCredentials {
        var form = parameters("AssumeRole", role)
        if let externalID = role.externalID { form.append(("ExternalId", externalID)) }
        return try await send(form, signedWith: credentials)
    }

    private func parameters(
        _ action: String, _ role: AssumedRole
    ) -> [(name: String, value: String)] {
        let sessionName = role.sessionName ?? "blobrpcd-\(context.clock.now().milliseconds)"
        var form: [(name: String, value: String)] = [
            ("Action", action), ("Version", "2011-06-15"), ("RoleArn", role.roleARN),
            ("RoleSessionName", sessionName),
        ]
        if let seconds = role.durationSeconds { form.append(("DurationSeconds", String(seconds))) }
        return form
    }

    private func send(
        _ form: [(name: String, value: String)], signedWith credentials: AWSCredentials?
    ) async throws(CredentialFailure) -> AWSCredentials {
        let endpoint = try endpoint()
        let body = Bytes(utf8: SigV4.canonicalQuery(form))
        var request = HTTPRequest(.post, endpoint.text)
        request.headers.append("content-type", Self.contentType)
        // AWS would answer JSON to who asks for it; XML is what all services speak.
        request.headers.append("accept", "application/xml")
        request.body = .bytes([body])
        request.timeouts.firstByte = .seconds(10)
        if let credentials {
            for field in try sign(endpoint, body, credentials) {
                request.headers.append(field.name, field.value)
            }
        }
        let reply = try await context.requests.send(request)
        return try TokenServiceReply.credentials(from: reply)
    }

    private func sign(
        _ endpoint: ServiceURL, _ body: Bytes, _ credentials: AWSCredentials
    ) throws(CredentialFailure) -> [HTTPHeaders.Field] {
        do throws(BlobError) {
            let request = SigV4Request(
                method: "POST", host: endpoint.host, encodedPath: endpoint.path,
                headers: [("content-type", Self.contentType)],
                payloadHash: try SigV4.payloadHash([body]))
            return try SigV4Signer(service: "sts", cache: context.keyCache).authorization(
                request, credentials: credentials, region: region ?? "us-east-1",
                at: context.clock.now())
        } catch {
            throw CredentialFailure(error.message)
        }
    }

    private func endpoint() throws(CredentialFailure) -> ServiceURL {
        if let text = context.environment["AWS_ENDPOINT_URL_STS"] {
            guard let url = ServiceURL(text), url.query == nil else {
                throw CredentialFailure("AWS_ENDPOINT_URL_STS is no http or https URL")
            }
            return url
        }
        let host = try region.map { region throws(CredentialFailure) in
            try AWSHost.regional("sts", region: region)
        }
        guard let url = ServiceURL("https://\(host ?? "sts.amazonaws.com")/") else {
            throw CredentialFailure("the region cannot be part of a host name")
        }
        return url
    }
}
