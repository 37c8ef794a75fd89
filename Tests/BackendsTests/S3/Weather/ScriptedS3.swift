import BlobCore
import TestKit

extension ScriptedRequest {
    /// The key as it stands in the path, encoded; empty for the bucket itself.
    var key: String {
        path.split(separator: "/", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
    }

    /// The value of a parameter; empty for one without.
    func query(_ name: String) -> String? {
        let query = target.drop { $0 != "?" }.dropFirst()
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1)
            if halves.first.map(String.init) == name {
                return halves.count > 1 ? String(halves[1]) : ""
            }
        }
        return nil
    }

    /// What a write stores with the bytes.
    var metadata: [(String, String)] {
        headers.filter { field in
            let name = field.name.lowercased()
            return name == "content-type" || name.hasPrefix("x-amz-meta-")
        }.map { ($0.name, $0.value) }
    }

    /// Method and what is asked for, such as `PUT part`, for lists of what was asked.
    var summary: String {
        if query("list-type") != nil { return "\(method) list" }
        if query("uploads") != nil { return "\(method) uploads" }
        if query("partNumber") != nil { return "\(method) part" }
        if query("uploadId") != nil { return "\(method) upload" }
        if query("delete") != nil { return "\(method) delete" }
        return key.isEmpty ? "\(method) bucket" : method
    }

    /// The region that the signature is for.
    var signedRegion: String? {
        let scope = (self["authorization"] ?? "").split(separator: "/")
        return scope.count > 2 ? String(scope[2]) : nil
    }

    /// The access key that signed.
    var signer: String? {
        (self["authorization"] ?? "").components(between: "Credential=", "/").first
    }
}

extension ScriptedResponse {
    /// An error document of S3.
    static func error(
        _ status: Int, _ code: String, headers: [(String, String)] = [], more: String = ""
    ) -> ScriptedResponse {
        ScriptedResponse(
            status: status, headers: headers,
            text: "<?xml version=\"1.0\"?><Error><Code>\(code)</Code>\(more)</Error>")
    }

    /// A head without a body, as HEAD requests get.
    static func bare(_ status: Int, _ headers: [(String, String)] = []) -> ScriptedResponse {
        ScriptedResponse([.send(head(status, headers + [("Content-Length", "0")]))])
    }

    static func head(_ status: Int, _ headers: [(String, String)]) -> Bytes {
        head(status: status, headers: headers)
    }

    /// How many bytes of head and body the steps send.
    var byteCount: Int {
        steps.reduce(0) { count, step in
            if case .send(let bytes) = step { count + bytes.count } else { count }
        }
    }

    /// How many bytes of the first step are the head.
    var headByteCount: Int {
        guard case .send(let bytes)? = steps.first else { return 0 }
        let text = String(decoding: Array(bytes.prefix(4096)), as: UTF8.self)
        return text.firstRange(of: "\r\n\r\n").map { text[..<$0.upperBound].utf8.count } ?? 0
    }

    var bodyByteCount: Int { byteCount - headByteCount }

    /// The same, but only so much of its body, and then `step`.
    func cutBody(after byteCount: Int, then step: Step = .close) -> ScriptedResponse {
        cut(after: headByteCount + byteCount, then: step)
    }
}

extension String {
    /// The texts between each `start` and the next `end`.
    func components(between start: String, _ end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let opening = rest.firstRange(of: start) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstRange(of: end) else { break }
            found.append(String(rest[..<closing.lowerBound]))
            rest = rest[closing.upperBound...]
        }
        return found
    }
}
