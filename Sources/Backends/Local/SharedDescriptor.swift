public import LinuxIO

/// A descriptor with several holders; closed when the last of them lets go.
///
/// A blob being read is held by its source and by whoever sends it; neither can know who ends last.
public final class SharedDescriptor: Sendable {
    private let owned: OwnedDescriptor

    /// Takes the descriptor over.
    public init(_ owned: consuming OwnedDescriptor) {
        self.owned = owned
    }

    package convenience init(owning rawValue: Int32) {
        self.init(OwnedDescriptor(owning: rawValue))
    }

    /// The descriptor number, valid while this object lives.
    public var rawValue: Int32 { owned.rawValue }
}
