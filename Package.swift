// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// Imports point downward only; docs/architecture.md says why each module exists.
let package = Package(
    name: "blobrpc",
    products: [
        .library(name: "BlobCore", targets: ["BlobCore"]),
        .library(name: "BlobRPCClient", targets: ["BlobRPCClient"]),
        .library(name: "BlobRPCServer", targets: ["BlobRPCServer"]),
        .library(name: "Backends", targets: ["Backends"]),
        .library(name: "CloudBackends", targets: ["CloudBackends"]),
        .executable(name: "blobrpcd", targets: ["blobrpcd"]),
        .executable(name: "blobctl", targets: ["blobctl"]),
    ],
    traits: [
        .trait(name: "S3", description: "Amazon S3 and compatible stores"),
        .trait(name: "GCS", description: "Google Cloud Storage"),
        .trait(name: "Azure", description: "Azure Blob Storage"),
        .default(enabledTraits: ["S3", "GCS", "Azure"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CLinuxShims"),
        .target(name: "CFileShims"),
        .target(name: "CChecksums"),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CSigningShims", dependencies: ["COpenSSL"]),
        .target(name: "CProcessShims"),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(
            name: "CLibCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CCurlShims", dependencies: ["CLibCurl"]),

        .target(name: "BlobCore", swiftSettings: strict),
        .target(
            name: "BlobWire", dependencies: ["BlobCore"],
            swiftSettings: strict + [
                .strictMemorySafety(), .enableExperimentalFeature("Lifetimes"),
            ]),
        .target(name: "LinuxIO", dependencies: ["BlobCore", "CLinuxShims"], swiftSettings: strict),
        .target(
            name: "BlobTransport", dependencies: ["BlobCore", "BlobWire", "LinuxIO"],
            swiftSettings: strict),
        .target(
            name: "Backends",
            dependencies: ["BlobCore", "LinuxIO", "CLinuxShims", "CFileShims", "COpenSSL"],
            exclude: ["Cloud"], swiftSettings: strict),
        .target(
            name: "CloudBackends",
            dependencies: [
                "BlobCore", "LinuxIO", "Backends", "CFileShims", "CChecksums", "CCurlShims",
                "COpenSSL", "CSigningShims", "CProcessShims", "CExpat",
            ],
            path: "Sources/Backends/Cloud", swiftSettings: strict),
        .target(
            name: "BlobRPCServer",
            dependencies: [
                "BlobCore", "BlobWire", "LinuxIO", "BlobTransport", "Backends",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "BlobRPCClient",
            dependencies: ["BlobCore", "BlobWire", "LinuxIO", "BlobTransport"],
            swiftSettings: strict),
        .executableTarget(
            name: "blobrpcd",
            dependencies: [
                "BlobCore", "BlobWire", "LinuxIO", "Backends", "BlobRPCServer", "CLinuxShims",
                .target(name: "CloudBackends", condition: .when(traits: ["S3", "GCS", "Azure"])),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "blobctl",
            dependencies: [
                "BlobCore", "BlobRPCClient", "LinuxIO",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .target(name: "CTestShims", path: "Tests/CTestShims"),
        .target(
            name: "TestKit",
            dependencies: [
                "BlobCore", "BlobWire", "LinuxIO", "Backends", "CloudBackends", "BlobRPCServer",
                "BlobRPCClient", "CTestShims",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/TestKit", swiftSettings: strict),
        .testTarget(name: "BlobCoreTests", dependencies: ["BlobCore"], swiftSettings: strict),
        .testTarget(
            name: "BlobWireTests", dependencies: ["BlobCore", "BlobWire"], swiftSettings: strict),
        .testTarget(
            name: "LinuxIOTests", dependencies: ["LinuxIO", "CLinuxShims"], swiftSettings: strict),
        .testTarget(
            name: "BackendsTests",
            dependencies: [
                "BlobCore", "LinuxIO", "Backends", "CloudBackends", "CChecksums", "CFileShims",
                "CTestShims", "CCurlShims", "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AzureTests",
            dependencies: [
                "BlobCore", "LinuxIO", "Backends", "CloudBackends", "BlobRPCServer",
                "BlobRPCClient", "CTestShims", "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "BlobRPCServerTests",
            dependencies: [
                "BlobCore", "BlobWire", "LinuxIO", "Backends", "BlobRPCServer", "BlobRPCClient",
                "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "BlobRPCClientTests",
            dependencies: [
                "BlobCore", "BlobWire", "LinuxIO", "Backends", "CloudBackends", "BlobRPCServer",
                "BlobRPCClient", "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DaemonTests",
            dependencies: ["BlobCore", "BlobRPCClient", "TestKit"], swiftSettings: strict),
        .testTarget(
            name: "SandboxTests",
            dependencies: ["BlobCore", "BlobRPCClient", "TestKit"], swiftSettings: strict),
        .testTarget(
            name: "GCSTests",
            dependencies: [
                "BlobCore", "LinuxIO", "Backends", "CloudBackends", "BlobRPCServer",
                "BlobRPCClient", "CTestShims", "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "UniformTests",
            dependencies: [
                "BlobCore", "LinuxIO", "Backends", "CloudBackends", "BlobRPCServer",
                "BlobRPCClient", "TestKit",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "BlobCore", "BlobRPCClient", "LinuxIO", "TestKit", "blobctl",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
    ]
)
