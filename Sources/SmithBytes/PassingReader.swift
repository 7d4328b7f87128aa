/// Keeps the memory of a mapped file flat while something passes over it from front to back.
public struct PassingReader: Sendable {
  private let bytes: SharedBytes
  private var released = 0
  /// How much may stay behind the position.
  private static let stride = 1 << 18

  /// Will pass over `bytes`.
  public init(_ bytes: SharedBytes) {
    self.bytes = bytes
  }

  /// Everything before `position` has been read for now; cheap to call for every block.
  public mutating func passed(_ position: Int) {
    guard position - released >= Self.stride else { return }
    bytes.release(released..<min(position, bytes.count))
    released = position
  }
}
