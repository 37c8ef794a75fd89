internal import BlobCore

/// What can be asked of a listing, whatever the service.
enum ListRules {
    /// W-76
    static func check(_ options: ListOptions, _ prefix: BlobURI) throws(BlobError) {
        guard (1...ListOptions.maximumPageEntryCount).contains(options.pageEntryCount) else {
            throw BlobError(.invalidArgument, "a page has 1 to 1000 entries", uri: prefix)
        }
        guard options.delimiter?.isEmpty != true else {
            throw BlobError(.invalidArgument, "the delimiter is empty; leave it out", uri: prefix)
        }
    }
}
