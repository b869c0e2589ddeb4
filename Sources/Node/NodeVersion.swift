/// The version of this build.
package enum NodeVersion {
    package static let current = "0.1.0"
}
