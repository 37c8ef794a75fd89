import ArgumentParser
import BlobCore

/// Options that several commands share, and what becomes of them.
struct ConditionOptions: ParsableArguments {
    @Flag(help: "Fail when the blob is already there.")
    var createOnly = false

    @Option(
        help: ArgumentHelp("Replace only the version with this entity tag.", valueName: "etag"))
    var ifMatch: String?

    func validate() throws {
        if createOnly && ifMatch != nil {
            throw ValidationError("--create-only and --if-match exclude each other.")
        }
    }

    /// The condition they ask for.
    var condition: WriteCondition {
        if createOnly { return .createOnly }
        return ifMatch.map { .ifMatch(etag: $0) } ?? .overwrite
    }
}

/// What is stored beside the bytes.
struct DescriptionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The media type to store.", valueName: "type"))
    var contentType: String?

    @Option(
        help: ArgumentHelp(
            "A pair to store with the blob; may be repeated.", valueName: "name=value"))
    var metadata: [MetadataArgument] = []

    func validate() throws {
        let names = metadata.map { $0.name.lowercased() }
        if Set(names).count < names.count {
            throw ValidationError("--metadata gives one name twice; case does not count.")
        }
    }

    /// The pairs by name.
    var userMetadata: [String: String] {
        // `validate` has refused duplicates; the first one wins where nobody called it.
        Dictionary(metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}

/// `NAME=VALUE`; the value may hold further equals signs or be empty.
struct MetadataArgument: ExpressibleByArgument, Equatable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
            return nil
        }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

/// A SHA-256 in 64 hexadecimal digits.
struct DigestArgument: ExpressibleByArgument, Equatable {
    let bytes: [UInt8]

    init?(argument: String) {
        let digits = argument.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 64, argument.utf8.count == 64 else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension BlobURI {
    /// The URI of one blob on the command line; the reason for a refusal reaches the user.
    @Sendable static func argument(_ text: String) throws -> BlobURI {
        do throws(BlobError) {
            return try BlobURI(parsing: text)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// A prefix on the command line: the key may be empty.
    @Sendable static func prefixArgument(_ text: String) throws -> BlobURI {
        do throws(BlobError) {
            return try BlobURI(parsingPrefix: text)
        } catch {
            throw ValidationError(error.message)
        }
    }
}

extension PresignOptions {
    /// Refuses a validity that no store grants.
    static func validate(seconds: UInt32) throws {
        guard (1...maximumSeconds).contains(seconds) else {
            throw ValidationError(
                "--expires takes 1 to \(maximumSeconds) seconds (seven days).")
        }
    }
}
