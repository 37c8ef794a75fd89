internal import BlobCore

/// The JSON in which tokens of Entra come. It has no description: it is a secret.
struct AzureTokenDocument: Decodable {
    private var accessToken: String?
    /// Seconds from now.
    private var expiresIn: Number?
    /// Seconds since the epoch.
    private var expiresOn: Number?

    private enum CodingKeys: String, CodingKey {
        case accessToken = "access_token"
        case expiresIn = "expires_in"
        case expiresOn = "expires_on"
    }

    /// Entra writes numbers, and metadata services write them as text.
    private struct Number: Decodable {
        var value: Int64

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Int64.self) {
                self.value = value
            } else if let value = Int64(try container.decode(String.self)) {
                self.value = value
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no number")
            }
        }
    }

    /// Nil without a token that a header can carry, or without a time that it ends at.
    func credentials(now: Timestamp) -> AzureCredentials? {
        // No token lives for ten years; this keeps hostile numbers out of the arithmetic.
        let longest: Int64 = 10 * 366 * 86_400
        let end: Int64
        if let expiresOn {
            end = min(max(0, expiresOn.value), .max / 1000) * 1000
        } else if let expiresIn {
            end = now.milliseconds &+ min(max(0, expiresIn.value), longest) * 1000
        } else {
            return nil
        }
        return accessToken.flatMap { token in
            AzureCredentials.token(token, expiresAt: Timestamp(milliseconds: end))
        }
    }

    /// What Entra answers instead. Its description repeats what it was sent, so only the code and
    /// the numbers are read.
    private struct Refusal: Decodable {
        var error: String?
        var errorCodes: [Int]?

        enum CodingKeys: String, CodingKey {
            case error
            case errorCodes = "error_codes"
        }
    }

    /// For messages: " (invalid_client, AADSTS7000215)", or nothing.
    static func reason(in body: Bytes) -> String {
        let refusal = CredentialDocument.decode(Refusal.self, from: body)
        var parts: [String] = []
        if let code = refusal?.error.flatMap(ServiceCode.init) { parts.append(code.text) }
        if let number = refusal?.errorCodes?.first { parts.append("AADSTS\(number)") }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }
}
