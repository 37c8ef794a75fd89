public import CloudBackends

extension S3Configuration {
    /// What reaches `server`, with its keys that allow everything.
    public init(of server: S3TestServer) {
        self.init()
        endpoint = server.description.endpoint
        region = server.description.region
        identity = .keys(
            accessKeyID: server.description.accessKeyID,
            secretAccessKey: server.description.secretAccessKey, sessionToken: nil)
    }
}
