internal import BlobCore
internal import CLinuxShims
internal import CProcessShims
internal import Glibc
internal import LinuxIO

/// A program of the user's that prints credentials.
struct CredentialProcess: Sendable {
    private static let maximumByteCount = 64 << 10

    let context: AWSCredentialContext

    /// Runs `command` with a shell, as the AWS command line's relatives do.
    func fetch(_ command: String) async throws(CredentialFailure) -> AWSCredentials {
        let output = try await run(command)
        let document = CredentialDocument.decode(AWSCredentialDocuments.Keys.self, from: output)
        guard let document, document.version == 1,
            let credentials = document.credentials(needsExpiration: false)
        else {
            throw CredentialFailure("the credential_process printed no document of version 1")
        }
        if let end = credentials.expiresAt, end <= context.clock.now() {
            throw CredentialFailure("the credential_process printed expired credentials")
        }
        return credentials
    }

    private func run(_ command: String) async throws(CredentialFailure) -> Bytes {
        let switchOff = try CancelSwitch()
        let variables = context.environment.variables
        let limit = context.processTimeout
        let outcome: Result<Bytes, BlockingPoolError<CredentialFailure>>
        outcome = await withTaskCancellationHandler {
            do throws(BlockingPoolError<CredentialFailure>) {
                return .success(
                    try await context.files.pool.run { () throws(CredentialFailure) -> Bytes in
                        try Self.run(command, variables, limit, switchOff)
                    })
            } catch {
                return .failure(error)
            }
        } onCancel: {
            switchOff.cancel()
        }
        switch outcome {
        case .success(let bytes): return bytes
        case .failure(let error): throw CredentialFiles.failure(of: error)
        }
    }

    private static func run(
        _ command: String, _ variables: [String: String], _ limit: Duration,
        _ switchOff: CancelSwitch
    ) throws(CredentialFailure) -> Bytes {
        var environment = variables.map { strdup("\($0.key)=\($0.value)") }
        environment.append(nil)
        defer { for entry in environment { free(entry) } }
        var byteCount = 0
        var status: Int32 = 0
        var result: Int32 = 0
        let nanoseconds =
            limit.components.seconds &* 1_000_000_000
            &+ limit.components.attoseconds / 1_000_000_000
        let output = Bytes(capacity: maximumByteCount) { buffer in
            result = cprocess_run(
                command, &environment, nanoseconds, switchOff.descriptor,
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count,
                &byteCount, &status)
            return byteCount
        }
        switch -result {
        case 0 where status == 0: return output
        // What it printed may hold a secret, so it is not repeated.
        case 0:
            throw CredentialFailure(
                "the credential_process failed with wait status \(status)", isTransient: true)
        case ETIME:
            throw CredentialFailure(
                "the credential_process took longer than \(limit) and was killed",
                isTransient: true)
        case EMSGSIZE:
            throw CredentialFailure(
                "the credential_process printed more than \(maximumByteCount) bytes")
        case ECANCELED: throw CredentialFailure("the fetch was cancelled", isTransient: true)
        default:
            let cause = SystemError(errorNumber: -result, operation: "posix_spawn")
            throw CredentialFailure("the credential_process cannot be started: \(cause)")
        }
    }
}

/// Ends a wait for a descriptor from another thread.
private final class CancelSwitch: Sendable {
    private let event: OwnedDescriptor
    var descriptor: Int32 { event.rawValue }

    init() throws(CredentialFailure) {
        let descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else {
            throw CredentialFailure("the process has no free descriptor", isTransient: true)
        }
        event = OwnedDescriptor(owning: descriptor)
    }

    func cancel() {
        // Fails only when the counter is full, and then it is readable already.
        _ = clinux_eventfd_signal(event.rawValue)
    }
}
