import SmithBytes
public import SmithEngine
import SmithFormats
import SmithModel
public import SmithSimulators

extension ZTESerialStick: TrialStick {
  /// Every image to the byte in its partition.
  public func holds(_ image: CheckedImage) -> Bool {
    image.image.segments.allSatisfy { segment in
      chip.flash.content("0:" + segment.name).starts(with: segment.stored.bytes())
    }
  }

  /// A part of it is missing, or of another version than the rest.
  public var isHalfWritten: Bool { !isWhole }
  /// The boot code is in the chip.
  public var isBeyondResume: Bool { false }

  /// S1 for every partition, and S7.
  public func breaches(
    since before: ZTESerialStick, image: CheckedImage, records: [JournalRecord]
  ) -> [String] {
    var broken: [String] = []
    var allowed = Set<String>()
    for case .itemBegan(let index) in records {
      allowed.insert("0:" + image.image.segments[index].name)
    }
    for partition in Self.layout where !allowed.contains(partition.name) {
      if before.chip.flash.content(partition.name) != chip.flash.content(partition.name) {
        broken.append("S1: \(partition.name) changed without a record of its door")
      }
    }
    if !keepsTreasures { broken.append("S7: identity or calibration changed") }
    if before.chip.item(550) != chip.item(550) { broken.append("S7: identity changed") }
    if chip.flash.overwrites > before.chip.flash.overwrites {
      broken.append("a page was written that was not erased")
    }
    return broken
  }

  /// One byte of the application.
  public mutating func damage() {
    var bytes = chip.flash.content("0:AMSS")
    guard bytes.count > 300 else { return }
    bytes[256] ^= 1
    chip.flash.load("0:AMSS", bytes)
  }
}

extension Storm {
  /// Whole packages, once with a loader that comes up as a new device.
  static func zteScenes(bytes: Int) async throws -> [Scene] {
    var sample = ZTESample()
    sample.bytes = bytes
    let files = sample.files().map { ($0.name, SharedBytes($0.bytes)) }
    let image = CheckedImage(
      image: try ImageRegistry.recognise(folder: files), path: "storm", sha256: "zte \(bytes)")
    var scenes: [Scene] = []
    for (name, again) in [("zte-mf667", false), ("zte-mf667 new device", true)] {
      var stick = ZTESerialStick()
      stick.chip.loaderReenumerates = again
      scenes.append(await scene(name, stick, image, isExperimental: true) { $0.complaints })
    }
    return scenes
  }
}
