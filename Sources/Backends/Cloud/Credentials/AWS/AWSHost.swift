/// Names of AWS's own endpoints.
enum AWSHost {
    /// The endpoint of `service` in `region`, in the domain of the region's partition.
    static func regional(_ service: String, region: String) throws(CredentialFailure) -> String {
        let isName = region.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.digitValue($0) != nil || $0 == UInt8(ascii: "-")
        }
        guard isName, !region.isEmpty, region.utf8.count <= 40 else {
            throw CredentialFailure("the region has characters that no region has")
        }
        let domains = [
            ("cn-", "amazonaws.com.cn"), ("us-iso-", "c2s.ic.gov"), ("us-isob-", "sc2s.sgov.gov"),
            ("eu-isoe-", "cloud.adc-e.uk"), ("us-isof-", "csp.hci.ic.gov"),
            ("eusc-", "amazonaws.eu"),
        ]
        let domain = domains.first { region.hasPrefix($0.0) }?.1 ?? "amazonaws.com"
        return "\(service).\(region).\(domain)"
    }
}
