import Glibc

enum Trigonometry {
    static func cosine(ofTurns turns: Double) -> Double { cos(2 * .pi * turns) }
}
