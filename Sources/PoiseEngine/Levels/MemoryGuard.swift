import PoiseModel

/// What is done about a feature that is over its memory budget.
struct MemoryGuard: Sendable, Codable {}
