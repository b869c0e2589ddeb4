// swift-tools-version: 6.2
import PackageDescription

/// Where `scripts/engine` put libllama: `include/`, `lib/`. The Makefile passes it; a plain `swift build` finds the per-user cache.
let enginePrefix: String = {
    if let given = Context.environment["SHOAL_ENGINE_PREFIX"], !given.isEmpty { return given }
    let home = Context.environment["HOME"] ?? "/tmp"
    let cache = Context.environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.cache"
    return "\(cache)/shoal/engine/current"
}()

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let grpc = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")

/// Byte loops that every build has to run at full speed, so that a debug daemon still hashes and parses gigabytes.
let alwaysOptimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "shoal",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "shoal", targets: ["shoal"]),
        .executable(name: "shoal-engine", targets: ["shoal-engine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Floor 0: formats and primitives, no state.
        .target(name: "Bytes", swiftSettings: alwaysOptimised),
        .target(name: "Timing"),
        .target(name: "Identifiers", dependencies: ["Bytes"]),
        .target(name: "Generation", dependencies: ["Identifiers", "JSON"]),
        .target(
            name: "NodeAPI",
            dependencies: ["JSON", .product(name: "OrderedCollections", package: "swift-collections")]),
        .target(name: "BLAKE3", dependencies: ["Bytes"], swiftSettings: alwaysOptimised),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        // Calls of the C library that Swift does not see.
        .target(name: "CFiles"),
        // The terminal's mode, which a signal must not leave changed.
        .target(name: "CTerminal"),
        // The process in which trainings run.
        .target(name: "CWarden"),
        // What the node can be asked, as bytes of the program.
        .target(name: "CContract", exclude: ["openapi.yaml"]),
        .target(name: "GGUF", dependencies: ["Identifiers", "Bytes"], swiftSettings: alwaysOptimised),
        .target(name: "Pickle", dependencies: ["Bytes"], swiftSettings: alwaysOptimised),
        .target(name: "Safetensors", dependencies: ["Bytes"], swiftSettings: alwaysOptimised),
        .target(
            name: "JSON", dependencies: [.product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: alwaysOptimised),
        .target(
            name: "Grammars",
            dependencies: ["JSON", .product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: alwaysOptimised),
        .target(
            name: "CEngine",
            cSettings: [.unsafeFlags(["-O2", "-I\(enginePrefix)/include"])],
            cxxSettings: [
                .unsafeFlags(
                    ["-O2", "-I\(enginePrefix)/include"]
                        + ["common", "vendor"].map { "-I\(enginePrefix)/include/\($0)" })
            ],
            linkerSettings: [
                .unsafeFlags(["-L\(enginePrefix)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(enginePrefix)/lib"]),
                .linkedLibrary("llama-common"), .linkedLibrary("llama"), .linkedLibrary("ggml"),
                .linkedLibrary("ggml-base"),
            ]
        ),

        // Floor 1: one capability each, no domain knowledge.
        .target(name: "Store", dependencies: [grdb]),
        .target(name: "Events"),
        .target(name: "Hardware"),
        .target(name: "Files", dependencies: ["CFiles", .product(name: "HeapModule", package: "swift-collections")]),
        .target(
            name: "Link",
            dependencies: [
                "Generation", "Identifiers", "Bytes", crypto, logging, lifecycle, grpc, protobuf,
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
            ],
            exclude: ["Protos"]
        ),
        .target(
            name: "Engine",
            dependencies: ["Generation", "Identifiers", "Bytes", "CEngine", "GGUF", "JSON", logging],
            swiftSettings: [.unsafeFlags(["-Xcc", "-I\(enginePrefix)/include"])]
        ),
        .target(
            name: "Hub",
            dependencies: [
                "Timing", "Bytes", "GGUF", logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // Floor 2: domains that do not know each other.
        .target(
            name: "ModelLibrary",
            dependencies: [
                "Identifiers", "Bytes", "GGUF", "BLAKE3", "Store", "Events", grdb, crypto, logging,
            ]),
        .target(
            name: "Adapters",
            dependencies: [
                "Safetensors", "Pickle", "Bytes", "Store", "CFiles", grdb, crypto,
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(name: "Accounts", dependencies: ["Timing", "Store", "Bytes", grdb, crypto, cryptoExtras]),
        .target(
            name: "Swarm",
            dependencies: [
                "Identifiers", "Timing", "Bytes", "BLAKE3", "Link", "Store", "Events", logging, lifecycle, crypto,
                protobuf, grpc,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),

        // Floor 3: what brings domains together.
        .target(name: "Router", dependencies: ["Generation"]),
        .target(
            name: "Inference",
            dependencies: [
                "Generation", "Identifiers", "Bytes", "JSON", "GGUF", "BLAKE3", "Link", "Events", "ModelLibrary",
                "Swarm", logging,
                lifecycle,
                grpc, protobuf,
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .target(
            name: "Cluster",
            dependencies: [
                "Generation", "Identifiers", "Timing", "Inference", "Link", "Store", "Hardware", "JSON", "GGUF", grdb,
                logging,
                lifecycle, grpc,
                protobuf,
            ]),
        .target(
            name: "Exchange",
            dependencies: [
                "Identifiers", "Timing", "ModelLibrary", "Swarm", "Link", "Store", "GGUF", "BLAKE3", grdb, logging,
                protobuf, grpc,
            ]),
        .target(
            name: "Acquisition",
            dependencies: [
                "Identifiers", "Timing", "Exchange", "ModelLibrary", "Swarm", "Hub", "Link", "Store", "Events", "GGUF",
                "BLAKE3", grdb, logging, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),

        .target(
            name: "Catalogue",
            dependencies: [
                "Generation", "Identifiers", "NodeAPI", "BLAKE3", "GGUF", "Link", "Hub", "ModelLibrary", "Swarm",
                "Inference",
                "Acquisition",
            ]),

        .target(
            name: "Jobs",
            dependencies: [
                "Timing", "Accounts", "Files", "Store", "Events", grdb, logging, lifecycle,
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),

        // Floor 4: routes, auth, OpenAPI.
        .target(
            name: "HTTPAPI",
            dependencies: [
                "CContract", "Generation", "Identifiers", "Bytes", "Accounts", "Catalogue", "Cluster", "Hub",
                "Inference",
                "Acquisition",
                "ModelLibrary",
                "Swarm", "Store",
                "JSON", "NodeAPI",
                "Link", "GGUF", "Hardware", "CZlib", "Adapters", "Jobs", "Files",
                hummingbird, logging, lifecycle,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]
        ),

        // Floor 5: the composition root.
        .target(
            name: "Node",
            dependencies: [
                "Exchange", "Router", "Generation", "Identifiers", "Timing", "Bytes", "HTTPAPI", "Catalogue",
                "Inference",
                "Acquisition", "Accounts", "Hub",
                "ModelLibrary", "Swarm",
                "Link",
                "Store",
                "Events", "Cluster", "Hardware", "GGUF", "Adapters", "Jobs", "Files",
                logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // Roof.
        .target(
            name: "EngineService",
            dependencies: [
                "Generation", "Identifiers", "Engine", "Link", "GGUF", "JSON", "Grammars", "Hardware", logging,
                lifecycle, grpc,
                protobuf,
            ],
            swiftSettings: [.unsafeFlags(["-Xcc", "-I\(enginePrefix)/include"])]
        ),
        .target(
            name: "ShoalCommands",
            dependencies: [
                "Identifiers", "Bytes", "NodeAPI", "Node", "Accounts", "Acquisition", "ModelLibrary", "Link", "GGUF",
                "Store",
                "Events", logging,
                "Adapters", "Cluster", "Hardware", "Files", "CTerminal", "CWarden",
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .executableTarget(name: "shoal", dependencies: ["ShoalCommands"]),
        .executableTarget(name: "shoal-engine", dependencies: ["EngineService"]),

        // What `make bench` measures by itself.
        .executableTarget(
            name: "shoal-bench-transfer",
            dependencies: [
                "Identifiers", "Exchange", "Acquisition", "ModelLibrary", "Swarm", "Link", "Store", "Events", "GGUF",
                logging, grpc,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
            ],
            path: "Benchmarks/Transfer"
        ),
        .executableTarget(
            name: "shoal-bench-cluster", dependencies: ["Generation", "Cluster", "Inference", "Link", logging],
            path: "Benchmarks/Cluster"
        ),

        .target(
            name: "StandIn",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/StandInHub", exclude: ["faults.py", "hub.py", "repositories.py", "serving.py"]),
        .target(name: "ShoalTestSupport", dependencies: ["Identifiers"], path: "Tests/ShoalTestSupport"),
        .testTarget(name: "TimingTests", dependencies: ["Timing", "ShoalTestSupport"]),
        .testTarget(name: "GenerationTests", dependencies: ["Generation", "JSON", "ShoalTestSupport"]),
        .testTarget(name: "NodeAPITests", dependencies: ["NodeAPI"]),
        .testTarget(name: "RouterTests", dependencies: ["Generation", "Identifiers", "Router"]),
        .testTarget(name: "BytesTests", dependencies: ["Bytes"]),
        .testTarget(
            name: "BLAKE3Tests", dependencies: ["ShoalTestSupport", "BLAKE3"],
            resources: [.embedInCode("Resources/vectors.txt")]),
        .testTarget(name: "StoreTests", dependencies: ["Store", grdb]),
        .testTarget(name: "EventsTests", dependencies: ["Events"]),
        .testTarget(
            name: "HardwareTests",
            dependencies: ["ShoalTestSupport", "Hardware", .product(name: "Subprocess", package: "swift-subprocess")],
            resources: [.embedInCode("Resources/gpus.c")]),
        .testTarget(name: "FilesTests", dependencies: ["Files"]),
        .testTarget(
            name: "JobsTests",
            dependencies: [
                "ShoalTestSupport", "Jobs", "Accounts", "Files", "Store", "Events", "shoal", grdb, logging, lifecycle,
            ]),
        .testTarget(name: "GGUFTests", dependencies: ["Identifiers", "ShoalTestSupport", "Bytes", "GGUF"]),
        .testTarget(
            name: "PickleTests", dependencies: ["ShoalTestSupport", "Bytes", "Pickle", "Safetensors"],
            exclude: ["reference"]),
        .testTarget(
            name: "SafetensorsTests", dependencies: ["ShoalTestSupport", "Bytes", "Safetensors"], exclude: ["reference"]
        ),
        .testTarget(name: "JSONTests", dependencies: ["ShoalTestSupport", "JSON"]),
        .testTarget(
            name: "GrammarsTests", dependencies: ["ShoalTestSupport", "Grammars", "JSON"], exclude: ["reference"]),
        .testTarget(
            name: "LinkTests",
            dependencies: [
                "Identifiers", "ShoalTestSupport", "Link", crypto, logging, lifecycle, grpc, protobuf,
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
            ]
        ),
        .testTarget(
            name: "HubTests",
            dependencies: [
                "ShoalTestSupport", "Bytes", "Hub", "GGUF", "StandIn", logging,
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "ChatTests", dependencies: ["Generation", "ShoalTestSupport", "Engine", "JSON"],
            exclude: ["reference"],
            swiftSettings: [.unsafeFlags(["-Xcc", "-I\(enginePrefix)/include"])]),
        .testTarget(
            name: "EngineTests",
            dependencies: ["Generation", "Identifiers", "ShoalTestSupport", "Bytes", "Engine", "GGUF", logging],
            swiftSettings: [.unsafeFlags(["-Xcc", "-I\(enginePrefix)/include"])]
        ),
        .testTarget(
            name: "ModelLibraryTests",
            dependencies: [
                "Identifiers", "ShoalTestSupport", "ModelLibrary", "GGUF", "BLAKE3", "Store", "Events",
                crypto,
                logging,
            ]),
        .testTarget(name: "AdaptersTests", dependencies: ["Adapters", "Store", grdb, crypto]),
        .testTarget(
            name: "AccountsTests",
            dependencies: ["Timing", "ShoalTestSupport", "Bytes", "Accounts", "Store", grdb, crypto]),
        .testTarget(
            name: "SwarmTests",
            dependencies: [
                "Identifiers", "Timing", "ShoalTestSupport", "Bytes", "BLAKE3", "Swarm", "Link", "Store", "Events",
                logging,
                lifecycle, crypto,
                grpc,
                protobuf,
            ]),
        .testTarget(
            name: "InferenceTests",
            dependencies: [
                "Exchange", "Generation", "Identifiers", "ShoalTestSupport", "Inference", "Acquisition", "GGUF", "Link",
                "JSON",
                "Events",
                "ModelLibrary",
                "Store", "Swarm",
                "shoal-engine", logging, grpc, protobuf,
            ]
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "Generation", "Identifiers", "Timing", "ShoalTestSupport", "Cluster", "Inference", "Link", "Store",
                "Hardware",
                "JSON", "GGUF", grdb,
                logging,
                lifecycle, grpc,
                protobuf,
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "AcquisitionTests",
            dependencies: [
                "Identifiers", "Timing", "ShoalTestSupport", "Exchange", "Acquisition", "Hub", "ModelLibrary", "Swarm",
                "Link",
                "Store", "Events",
                "GGUF",
                "BLAKE3", grdb,
                logging,
            ]),
        .testTarget(
            name: "CatalogueTests",
            dependencies: [
                "Generation", "Identifiers", "NodeAPI", "ShoalTestSupport", "Catalogue", "Acquisition", "Inference",
                "ModelLibrary",
                "Swarm", "Link", "Store", "Events", "GGUF", "Bytes", logging,
            ]),
        .testTarget(
            name: "ExchangeTests",
            dependencies: [
                "Identifiers", "Timing", "ShoalTestSupport", "Bytes", "Exchange", "Acquisition", "Hub", "ModelLibrary",
                "Swarm",
                "Link", "Store",
                "Events",
                "GGUF", "BLAKE3",
                "StandIn",
                logging, grpc, protobuf, .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: [
                "Generation", "Identifiers", "Timing", "ShoalTestSupport", "Bytes", "HTTPAPI", "Accounts", "Cluster",
                "Inference",
                "Acquisition",
                "Catalogue", "ModelLibrary", "Store", "Swarm", "Hub",
                "JSON", "NodeAPI",
                "GGUF",
                "Link", "CZlib", "Adapters", "Jobs", "Files",
                hummingbird, logging, lifecycle,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "Identifiers", "Timing", "ShoalTestSupport", "NodeAPI", "Node", "ShoalCommands", "Jobs", "Accounts",
                "Acquisition",
                "Hardware",
                "Inference",
                "Link",
                "ModelLibrary", "Swarm",
                "Store",
                logging,
                lifecycle,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Identifiers", "ShoalTestSupport", "GGUF", "ModelLibrary", "JSON", "Node", "ShoalCommands", "StandIn",
                "shoal",
                "shoal-engine",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
    ],
    cxxLanguageStandard: .cxx17
)

for target in package.targets
where target.type != .system && !["CContract", "CEngine", "CFiles", "CTerminal", "CWarden"].contains(target.name) {
    var settings = target.swiftSettings ?? []
    settings += [
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
    target.swiftSettings = settings
}
