internal import CLinuxShims

/// A listening Unix socket that a service manager made and this process found open when it began.
///
/// The manager keeps it: its path stays when this process ends, and clients who come meanwhile wait
/// in its queue for the next one (sd_listen_fds(3)).
public final class InheritedSocket: Sendable {
    /// The first descriptor that is handed over.
    private static let firstNumber: Int32 = 3
    /// More than anybody configures.
    private static let countMax: Int32 = 256

    /// What the manager calls it: `FileDescriptorName=`; `unknown` when it says nothing.
    public let name: String
    /// The path; empty for one without.
    public let path: String

    let socket: OwnedDescriptor

    private init(adopting number: Int32, name: String) throws(ListenerError) {
        // Adopted before anything can fail: a descriptor that nobody owns would stay open.
        socket = OwnedDescriptor(owning: number)
        self.name = name
        var buffer = [CChar](repeating: 0, count: 256)
        let result = clinux_adopt_listener(number, &buffer, buffer.count)
        guard result >= 0 else { throw .inheritedUnusable(name) }
        path = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The sockets that were handed to this process; none unless `LISTEN_PID` is its number.
    ///
    /// To be called once, early, and only by the program itself: the descriptors are taken over.
    public static func take(
        environment: [String: String], processIdentifier: Int32
    ) throws(ListenerError) -> [InheritedSocket] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == processIdentifier,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { return [] }
        guard count <= countMax else { throw .inheritedUnusable("LISTEN_FDS=\(count)") }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(
            separator: ":", omittingEmptySubsequences: false
        ).map { String($0) }
        var sockets: [InheritedSocket] = []
        for index in 0..<count {
            let name = Int(index) < names.count ? names[Int(index)] : ""
            sockets.append(
                try InheritedSocket(
                    adopting: firstNumber + index, name: name.isEmpty ? "unknown" : name))
        }
        return sockets
    }
}
