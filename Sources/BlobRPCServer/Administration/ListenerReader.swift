public import BlobCore

/// Understands the text with which a launcher describes a socket. The server program knows the form
/// of its configuration; the server does not.
public protocol ListenerReader: Sendable {
    /// The socket that `text` describes, ready to be bound. Runs where it may block.
    ///
    /// - Throws: `invalidArgument` that names the key for whatever is wrong.
    func listener(_ text: String) throws(BlobError) -> ListenerConfiguration
}
