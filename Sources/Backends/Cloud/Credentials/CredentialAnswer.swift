/// What a source of credentials found.
enum CredentialAnswer<Value: ExpiringCredentials>: Sendable {
    case found(Value)
    /// The source is not set up; the next one is asked. Says what is missing.
    case absent(String)
}

/// A source that is set up and yet gives nothing. The chain stops here: going on could find
/// credentials of somebody else.
struct CredentialFailure: Error, Sendable, Equatable {
    /// For a person: what failed and what to do. Carries no secret and nothing of a reply's body.
    var message: String
    /// Whether it may go away by itself.
    var isTransient = false

    init(_ message: String, isTransient: Bool = false) {
        self.message = message
        self.isTransient = isTransient
    }

    /// The same, told by the source called `name`.
    func from(_ name: String) -> CredentialFailure {
        CredentialFailure("\(name): \(message)", isTransient: isTransient)
    }
}
