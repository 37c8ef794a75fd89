public import ArgumentParser
public import BlobCore

/// As people write it: in lower case.
extension PresignMethod: ExpressibleByArgument {
    /// The method that is written so.
    public init?(argument: String) {
        guard let method = Self.allCases.first(where: { $0.defaultValueDescription == argument })
        else { return nil }
        self = method
    }

    /// How it is written.
    public var defaultValueDescription: String { rawValue.lowercased() }

    /// How all of them are written, for help and completion.
    public static var allValueStrings: [String] { allCases.map(\.defaultValueDescription) }
}
