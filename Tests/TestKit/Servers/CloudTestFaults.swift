/// Bad weather on demand, and a record of what was asked.
extension CloudTestServer {
    /// A fault that was ordered.
    public struct Fault: Sendable {
        let number: Int
    }

    /// A request that the server answered.
    public struct Request: Sendable, Decodable {
        /// The method.
        public let method: String
        /// Path and query as they were on the wire.
        public let target: String
        /// The status of the answer; 0 when there was none.
        public let status: Int
        /// With names in lower case; of the authorization only its scheme.
        public let headers: [String: String]
        /// The size of the body.
        public let bodyByteCount: Int
    }

    /// Orders a fault for requests whose "METHOD target" a regular expression of Python finds.
    ///
    /// - Parameters:
    ///   - parts: What happens, as scripts/servers/oracles/faults.py tells it.
    ///   - times: How often.
    ///   - skip: How many requests are passed over before.
    public func fault(
        _ match: String, _ parts: [String: JSONValue], times: Int = 1, skip: Int = 0
    ) async throws -> Fault {
        struct Answer: Decodable, Sendable { let fault: Int }
        let common: [String: JSONValue] = [
            "match": .text(match), "times": .number(times), "skip": .number(skip),
        ]
        let parameters = common.merging(parts) { _, last in last }
        return Fault(number: try await call("fault", parameters, as: Answer.self).fault)
    }

    /// How often a fault happened; waits until that is `atLeast`.
    public func hits(_ fault: Fault, atLeast: Int = 0) async throws -> Int {
        struct Answer: Decodable, Sendable { let hits: Int }
        return try await call(
            "faultHits", ["fault": .number(fault.number), "atLeast": .number(atLeast)],
            as: Answer.self
        ).hits
    }

    /// Ends a fault; returns how often it happened.
    @discardableResult
    public func remove(_ fault: Fault) async throws -> Int {
        struct Answer: Decodable, Sendable { let hits: Int }
        return try await call(
            "removeFault", ["fault": .number(fault.number)], as: Answer.self
        ).hits
    }

    /// Waits until `count` requests are held by the fault part `"hold": name`.
    public func waitHeld(_ name: String, count: Int = 1) async throws {
        try await call("waitHeld", ["name": .text(name), "count": .number(count)])
    }

    /// Lets go all requests that are and will be held under this name.
    public func release(_ name: String) async throws {
        try await call("release", ["name": .text(name)])
    }

    /// The requests whose "METHOD target" the expression finds; waits until there are `atLeast`.
    ///
    /// - Parameter listener: Only those to the metadata or token server of the identity so named.
    public func requests(
        _ match: String, atLeast: Int = 0, listener: String? = nil
    ) async throws -> [Request] {
        struct Answer: Decodable, Sendable { let requests: [Request] }
        var parameters: [String: JSONValue] = [
            "match": .text(match), "atLeast": .number(atLeast),
        ]
        parameters["listener"] = listener.map { .text($0) }
        return try await call("requests", parameters, as: Answer.self).requests
    }
}
