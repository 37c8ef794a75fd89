public import BlobCore
public import LinuxIO

/// One store out of several: chooses the backend by the scheme of the URI and resolves mounts.
///
/// A mount gives a place a short name: with `data` mounted on `s3://bucket/prefix`, callers write
/// `blob://data/key` and neither answers nor errors tell them where that is.
public final class BlobStoreDispatcher: BlobStore {
    let backends: [BlobURI.Scheme: any BlobStore]
    let mounts: [String: BlobMount]
    let blockingPool: BlockingPool?
    let pageTokenSeal: PageTokenSeal

    /// A dispatcher over `backends` with `mounts` from name to base URI.
    ///
    /// - Parameter blockingPool: Where copies between backends are hashed; nil for the thread of the
    ///   caller.
    /// - Throws: `invalidArgument` for a mount on another mount, or with a slash in its name.
    public init(
        backends: [BlobURI.Scheme: any BlobStore], mounts: [String: BlobURI] = [:],
        blockingPool: BlockingPool? = nil
    ) throws(BlobError) {
        self.backends = backends
        self.blockingPool = blockingPool
        pageTokenSeal = try PageTokenSeal()
        var checked: [String: BlobMount] = [:]
        for (name, base) in mounts {
            checked[name] = try BlobMount(name: name, base: base)
        }
        self.mounts = checked
    }

    /// The schemes that have a backend, and `blob` when there are mounts.
    public var schemes: [String] {
        (backends.keys.map(\.rawValue) + (mounts.isEmpty ? [] : [BlobURI.Scheme.blob.rawValue]))
            .sorted()
    }

    /// The names of the mounts.
    public var mountNames: [String] { mounts.keys.sorted() }

    /// What a `blob://` URI stands for, or the URI itself.
    ///
    /// - Throws: `containerNotFound` for an unknown mount, `invalidURI` for a key that would leave
    ///   its mount.
    public func resolved(_ uri: BlobURI) throws(BlobError) -> BlobURI {
        try route(uri).target
    }

    /// The backend of a URI, what it calls the blob and how to translate its answers back.
    func route(_ uri: BlobURI) throws(BlobError) -> BlobRoute {
        guard uri.scheme == .blob else {
            return BlobRoute(store: try backend(of: uri.scheme), target: uri, mount: nil)
        }
        guard let mount = mounts[uri.container] else {
            throw BlobError(
                .containerNotFound, "there is no mount '\(uri.container)'; ask for the list",
                uri: uri)
        }
        return BlobRoute(
            store: try backend(of: mount.base.scheme), target: try mount.target(of: uri),
            mount: mount)
    }

    /// IX13: a scheme without a backend is an error, never somebody else's call.
    private func backend(of scheme: BlobURI.Scheme) throws(BlobError) -> any BlobStore {
        guard let backend = backends[scheme] else {
            throw BlobError.unsupportedBackend(scheme: scheme.rawValue)
        }
        return backend
    }
}
