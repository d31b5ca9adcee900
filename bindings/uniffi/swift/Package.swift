// swift-tools-version:5.9
// The engine for Apple's platforms. `python3 ../build.py swift xcframework`, on a Mac, writes Sources/ChatEngine/Generated
// and makes the framework. Nothing of this package has been compiled yet: no Swift compiler was at hand.

import PackageDescription

let package = Package(
    name: "ChatEngine",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "ChatEngine", targets: ["ChatEngine"])],
    targets: [
        .binaryTarget(name: "ChatEngineFFI", path: "ChatEngineFFI.xcframework"),
        .target(name: "ChatEngine", dependencies: ["ChatEngineFFI"]),
    ]
)
