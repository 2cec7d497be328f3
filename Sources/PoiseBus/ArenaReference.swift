/// What lies in a ring in place of a payload that is too long for it: where in the producer's
/// arena it is, and how long.
package enum ArenaReference {
    package static let bytes = 16
}
