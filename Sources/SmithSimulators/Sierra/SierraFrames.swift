import SmithBytes

/// Frames as the simulated loader sees them.
enum SierraFrames {
  static func frame(_ body: [UInt8]) -> [UInt8] { HDLC.frame(body) }

  /// Whole frames with a good CRC.
  static func bodies(in bytes: [UInt8]) -> [[UInt8]] {
    var decoder = HDLCDecoder()
    return decoder.feed(bytes).compactMap { frame in
      if case .body(let body) = frame { body } else { nil }
    }
  }
}
