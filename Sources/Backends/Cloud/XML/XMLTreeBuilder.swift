internal import BlobCore
internal import CExpat

extension XMLElement {
    /// Reads the whole document and returns its root (CM-11).
    ///
    /// - Parameter maximumElementCount: With more elements than that it is forbidden.
    init(
        parsing bytes: Bytes, maximumElementCount: Int = XMLLimits.elementCount
    ) throws(XMLFailure) {
        guard bytes.count <= XMLLimits.byteCount else { throw .tooLarge }
        let builder = XMLTreeBuilder(maximumElementCount: maximumElementCount)
        self = try builder.parse(bytes.dropFirst(Self.leadingBlankCount(bytes)))
    }

    /// A store that is slow to complete an upload sends blanks to keep the connection alive; XML
    /// itself allows nothing before its declaration.
    private static func leadingBlankCount(_ bytes: Bytes) -> Int {
        bytes.withUnsafeBytes { raw in
            raw.firstIndex { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } ?? raw.count
        }
    }
}

/// Builds the tree from the events of Expat, with a stack of its own instead of recursion.
private final class XMLTreeBuilder {
    /// The root's holder and the elements that are open.
    private var stack = [XMLElement(name: "")]
    private var elementCount = 0
    private let maximumElementCount: Int
    private var failure: XMLFailure?
    private var parser: OpaquePointer?

    init(maximumElementCount: Int) {
        self.maximumElementCount = maximumElementCount
    }

    func parse(_ bytes: Bytes) throws(XMLFailure) -> XMLElement {
        guard let parser = XML_ParserCreate(nil) else { throw .tooLarge }
        defer { XML_ParserFree(parser) }
        self.parser = parser
        setHandlers(of: parser)
        try bytes.withUnsafeBytes { (raw) throws(XMLFailure) in
            try feed(raw, to: parser)
        }
        guard let root = stack[0].children.first else { throw .malformed }
        return root
    }

    /// Errors that only the end of the bytes brings say that more bytes were missing. The exception
    /// is a syntax error: Expat gives it for a word that no document begins with.
    private func feed(_ raw: UnsafeRawBufferPointer, to parser: OpaquePointer) throws(XMLFailure) {
        let start = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
        // The limit of bytes is far below what Int32 holds.
        let isWellFormed =
            XML_Parse(parser, start, Int32(truncatingIfNeeded: raw.count), 0) == XML_STATUS_OK
        if let failure { throw failure }
        guard isWellFormed else { throw .malformed }
        let isComplete = XML_Parse(parser, nil, 0, 1) == XML_STATUS_OK
        if let failure { throw failure }
        guard isComplete else {
            throw XML_GetErrorCode(parser) == XML_ERROR_SYNTAX ? .malformed : .truncated
        }
    }

    /// The builder outlives the parser, which alone holds the unretained reference.
    private func setHandlers(of parser: OpaquePointer) {
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { builder, name, attributes in XMLTreeBuilder.at(builder)?.open(name, attributes) },
            { builder, _ in XMLTreeBuilder.at(builder)?.close() })
        XML_SetCharacterDataHandler(parser) { builder, text, byteCount in
            XMLTreeBuilder.at(builder)?.append(text, byteCount: Int(byteCount))
        }
        // Without a document type there is no entity that could expand (CM-11).
        XML_SetStartDoctypeDeclHandler(parser) { builder, _, _, _, _ in
            XMLTreeBuilder.at(builder)?.stop(.forbidden)
        }
        XML_SetEntityDeclHandler(parser) { builder, _, _, _, _, _, _, _, _ in
            XMLTreeBuilder.at(builder)?.stop(.forbidden)
        }
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> XMLTreeBuilder? {
        pointer.map { Unmanaged<XMLTreeBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Expat may still deliver an event or two after this; each handler looks for the failure.
    private func stop(_ reason: XMLFailure) {
        guard failure == nil else { return }
        failure = reason
        XML_StopParser(parser, 0)
    }

    /// - Parameter attributes: Names and values by turns, and null behind the last.
    private func open(
        _ name: UnsafePointer<CChar>?,
        _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    ) {
        guard failure == nil, let name else { return }
        elementCount += 1
        guard stack.count <= XMLLimits.depth, elementCount <= maximumElementCount else {
            stop(.forbidden)
            return
        }
        var element = XMLElement(name: Self.local(String(cString: name)))
        var next = attributes
        while let pair = next, let name = pair[0], let value = pair[1] {
            let qualified = String(cString: name)
            if !qualified.hasPrefix("xml") {
                element.attributes[Self.local(qualified)] = String(cString: value)
            }
            next = pair + 2
        }
        stack.append(element)
    }

    private static func local(_ qualified: String) -> String {
        qualified.utf8.lastIndex(of: UInt8(ascii: ":")).map {
            String(qualified[qualified.utf8.index(after: $0)...])
        } ?? qualified
    }

    private func close() {
        guard failure == nil, stack.count > 1, let element = stack.popLast() else { return }
        stack[stack.count - 1].children.append(element)
    }

    private func append(_ text: UnsafePointer<CChar>?, byteCount: Int) {
        guard failure == nil, let text, byteCount > 0 else { return }
        let raw = UnsafeRawBufferPointer(start: text, count: byteCount)
        stack[stack.count - 1].text += String(decoding: raw, as: UTF8.self)
    }
}
