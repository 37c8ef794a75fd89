internal import BlobCore

/// The first frame from each side (rules W-02 to W-06): what the sender accepts from the other.
///
///      0          2          4          8            12             16                  24
///     | minimum  | maximum  | largest  | largest    | stream       | connection        |
///     | generation| generation| DATA   | header block| credit      | credit            |
///      24         28         32         40
///     | streams  | reserved | features | fields ...
public struct HelloFrame: Hashable, Sendable {
    /// The generation this build speaks, and the oldest one it still speaks.
    public static let generation: UInt16 = 1

    /// Negotiated extras; generation 1 defines none.
    public struct Features: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt64
        /// A set from its bits.
        public init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// The oldest generation the sender speaks.
    public var minimumGeneration = HelloFrame.generation
    /// The newest generation the sender speaks.
    public var maximumGeneration = HelloFrame.generation
    /// The largest frames the sender accepts.
    public var frames: FrameLimits
    /// DATA bytes the sender accepts on a fresh stream.
    public var streamCreditByteCount: UInt32
    /// DATA bytes the sender accepts on the connection.
    public var connectionCreditByteCount: UInt64
    /// Calls at once the sender accepts; zero from a client.
    public var maximumStreamCount: UInt32
    /// Extras the sender can do.
    public var features: Features = []
    /// Product and version.
    public var agentName = ""
    /// Differs after every start of the server.
    public var instanceID = ""
    /// The numbers of the operations the server has on this socket.
    public var operations: [UInt16] = []
    /// Whether this socket may not write.
    public var isReadOnly = false

    /// What `limits` grant.
    public init(limits: ConnectionLimits, maximumStreamCount: UInt32) {
        frames = limits.frames
        streamCreditByteCount = limits.streamCreditByteCount
        connectionCreditByteCount = limits.connectionCreditByteCount
        self.maximumStreamCount = maximumStreamCount
    }

    /// Reads a HELLO payload.
    init(_ reader: inout ByteReader) throws(WireError) {
        minimumGeneration = try reader.readUInt16()
        maximumGeneration = try reader.readUInt16()
        frames = FrameLimits(
            maximumDataByteCount: Int(try reader.readUInt32()),
            maximumHeaderByteCount: Int(try reader.readUInt32()))
        streamCreditByteCount = try reader.readUInt32()
        connectionCreditByteCount = try reader.readUInt64()
        maximumStreamCount = try reader.readUInt32()
        _ = try reader.readUInt32()
        features = Features(rawValue: try reader.readUInt64())
        while !reader.isAtEnd {
            var field = try Field(&reader)
            switch field.tag {
            case .agentName: agentName = try field.value.readText()
            case .instanceID: instanceID = try field.value.readText()
            case .operations:
                while !field.value.isAtEnd { operations.append(try field.value.readUInt16()) }
            case .readOnly: isReadOnly = true
            default:
                // W-05
                guard !field.isCritical else {
                    throw WireError(.badFrame, "HELLO has an unknown critical field (W-05)")
                }
            }
        }
        // W-04
        guard minimumGeneration <= Self.generation, maximumGeneration >= Self.generation else {
            throw WireError(
                .unsupportedVersion,
                "the peer speaks generations \(minimumGeneration) to \(maximumGeneration), "
                    + "this side \(Self.generation) (W-04)")
        }
        // W-36
        guard FrameLimits.dataByteCountBounds.contains(frames.maximumDataByteCount) else {
            throw WireError(.badFrame, "the DATA limit is out of bounds (W-36)")
        }
        guard FrameLimits.headerByteCountBounds.contains(frames.maximumHeaderByteCount) else {
            throw WireError(.badFrame, "the header limit is out of bounds (W-36)")
        }
    }

    func encode(into writer: inout ByteWriter) {
        writer.write(minimumGeneration)
        writer.write(maximumGeneration)
        writer.write(UInt32(truncatingIfNeeded: frames.maximumDataByteCount))
        writer.write(UInt32(truncatingIfNeeded: frames.maximumHeaderByteCount))
        writer.write(streamCreditByteCount)
        writer.write(connectionCreditByteCount)
        writer.write(maximumStreamCount)
        writer.write(UInt32(0))
        writer.write(features.rawValue)
        if !agentName.isEmpty { writer.write(field: .agentName, agentName) }
        if !instanceID.isEmpty { writer.write(field: .instanceID, instanceID) }
        if !operations.isEmpty {
            writer.write(field: .operations) { (writer: inout ByteWriter) in
                for operation in operations { writer.write(operation) }
            }
        }
        if isReadOnly { writer.write(field: .readOnly) { (_: inout ByteWriter) in } }
    }
}

/// The eight bytes with which a client opens (rule W-01): no other protocol begins like this.
public enum Preface {
    /// `BLOBRPC\n`
    public static let bytes: [UInt8] = Array("BLOBRPC\n".utf8)
}
