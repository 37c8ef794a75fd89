// swift-tools-version: 6.2
import PackageDescription

// A package of its own: who uses the library does not get its benchmarks.
let package = Package(
    name: "blobrpc-benchmarks",
    dependencies: [
        .package(name: "blobrpc", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "blobbench",
            dependencies: [
                .product(name: "BlobCore", package: "blobrpc"),
                .product(name: "BlobRPCClient", package: "blobrpc"),
                .product(name: "CloudBackends", package: "blobrpc"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .treatAllWarnings(as: .error),
            ])
    ]
)
