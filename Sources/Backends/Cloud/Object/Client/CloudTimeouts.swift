/// How long the steps of a request may take.
struct CloudTimeouts: Sendable {
    var usual = HTTPTimeouts()
    /// For requests on which the service works for minutes. It keeps the connection alive with a
    /// blank now and then: no rate is expected, but something has to come (S3-12).
    var long = HTTPTimeouts(firstByte: .seconds(300), stall: .seconds(300), minimumByteRate: 0)
}
