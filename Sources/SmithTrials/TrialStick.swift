import Glibc
import SmithBytes
public import SmithEngine
import SmithFormats
public import SmithLink
import SmithModel
public import SmithSimulators

/// A simulated stick that can be looked into from outside, past everything it says.
public protocol TrialStick: StickBody {
  /// Whether its flash holds all of a file, and it starts from that.
  func holds(_ image: CheckedImage) -> Bool
  /// The same for a caller who may have what the segments unpack to.
  func holds(_ image: CheckedImage, contents: [[UInt8]]?) -> Bool
  /// Whether its firmware, whichever, starts at the next power-up.
  var isWhole: Bool { get }
  /// Whether an update was begun and is not complete.
  var isHalfWritten: Bool { get }
  /// Whether only its boot ROM is left, which is another way's work.
  var isBeyondResume: Bool { get }
  /// What must not have changed and did, and what changed without a record of its door.
  func breaches(since before: Self, image: CheckedImage, records: [JournalRecord]) -> [String]
  /// Changes a byte of what was written, or what stands for it: every check must notice.
  mutating func damage()
}

extension TrialStick {
  /// By default the contents are of no use.
  public func holds(_ image: CheckedImage, contents: [[UInt8]]?) -> Bool { holds(image) }
}

extension Segment {
  /// All that is sent of it.
  func unpacked() throws(ImageError) -> [UInt8] {
    var reader = try reader()
    return try reader.next(size)
  }
}

extension HuaweiBalongStick: TrialStick {
  /// Every item to the byte, and the flag that all parts are complete.
  public func holds(_ image: CheckedImage) -> Bool { holds(image, contents: nil) }

  /// Every item to the byte, and the flag that all parts are complete.
  public func holds(_ image: CheckedImage, contents: [[UInt8]]?) -> Bool {
    guard flash.allPartsComplete else { return false }
    for (index, segment) in image.image.segments.enumerated() {
      guard let item = flash.item(segment.id), item.state == .complete,
        item.bytes.count == segment.size
      else { return false }
      let wanted = contents.map { $0[index] } ?? (try? segment.unpacked())
      guard let wanted, isSame(wanted, item.bytes) else { return false }
    }
    return true
  }

  /// Compares in blocks: byte by byte this took as long as all the rest of the checks.
  private func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    let count = one.count
    guard count == other.count else { return false }
    return unsafe one.withUnsafeBytes { one in
      unsafe other.withUnsafeBytes { other in
        guard let one = one.baseAddress, let other = other.baseAddress else {
          return true
        }
        return unsafe memcmp(one, other, count) == 0
      }
    }
  }

  /// All parts are complete and no download is asked for.
  public var isWhole: Bool { flash.allPartsComplete && !flash.backupFlag }

  /// A part was announced and the last one is not complete.
  public var isHalfWritten: Bool { !flash.allPartsComplete }

  /// A half-written boot part.
  public var isBeyondResume: Bool { flash.bootPartIsBroken }

  /// S1 and S7 of the house plan.
  public func breaches(
    since before: HuaweiBalongStick, image: CheckedImage, records: [JournalRecord]
  ) -> [String] {
    var broken: [String] = []
    var allowed = Set<UInt32>()
    for case .itemBegan(let index) in records { allowed.insert(image.image.segments[index].id) }
    for item in flash.items where !allowed.contains(item.id) {
      if before.flash.item(item.id) != item {
        broken.append("S1: item \(item.id) changed without a record of its door")
      }
    }
    let (old, new) = (before.flash.nv, flash.nv)
    if old.imei != new.imei || old.serial != new.serial { broken.append("S7: identity changed") }
    if old.lockTries != new.lockTries { broken.append("S7: the lock counter changed") }
    if old.profiles != new.profiles { broken.append("settings were lost") }
    return broken
  }

  /// One byte of every item that is long enough.
  public mutating func damage() {
    for index in flash.items.indices where flash.items[index].bytes.count > 300 {
      flash.items[index].bytes[256] ^= 1
    }
  }
}

extension SierraStick: TrialStick {
  /// The version of the file and, where it brings settings, its carrier and no mismatch.
  public func holds(_ image: CheckedImage) -> Bool {
    guard let application = flash.application else { return false }
    if image.image.format == .gobi2000, !holdsGobi(image.image.segments) { return false }
    if let version = image.image.claims.firmware {
      // A 3G stick writes 1_0_2_4AP for what its file calls 1.0.2.4.
      let plain = application.split(separator: "_").joined(separator: ".")
      guard plain == version.text || plain == version.text + "AP" else { return false }
    }
    if let wanted = image.image.sierra.lazy.compactMap({ $0.versions.configuration }).first {
      guard flash.carrier.configuration.hasPrefix(wanted.prefix(7)) else { return false }
      return !hasMismatch
    }
    return true
  }

  /// Every image as it is sent, without the tail of the modem's.
  private func holdsGobi(_ segments: [Segment]) -> Bool {
    segments.allSatisfy { segment in
      guard var bytes = try? segment.unpacked() else { return false }
      if segment.id == 0x05 { bytes.removeLast(8) }
      return flash.gobi?[Int(segment.id)] == CRC32Sierra.of(bytes)
    }
  }

  /// There is an application.
  public var isWhole: Bool { flash.application != nil }
  /// There is no application.
  public var isHalfWritten: Bool { !isWhole }
  /// The loader is never lost.
  public var isBeyondResume: Bool { false }

  /// S1: the flash was written only with a record.
  public func breaches(
    since before: SierraStick, image: CheckedImage, records: [JournalRecord]
  ) -> [String] {
    let hasDoor = records.contains { if case .itemBegan = $0 { true } else { false } }
    return flash == before.flash || hasDoor ? [] : ["S1: flash changed without a record"]
  }

  /// The application reads as another version.
  public mutating func damage() {
    guard flash.writes > 0 else { return }
    flash.application = "00.00.00.00"
  }
}

extension HuaweiQualcommStick: TrialStick {
  /// It runs the file's version; nothing of ours can bring that about.
  public func holds(_ image: CheckedImage) -> Bool {
    isWhole && firmware == image.image.claims.firmware?.text
  }

  /// Nothing was begun in its loader.
  public var isWhole: Bool { !isBegun }
  /// An item was begun: the firmware is gone.
  public var isHalfWritten: Bool { isBegun }
  /// A begun item cannot be ended by anything that is known.
  public var isBeyondResume: Bool { false }

  /// Nothing at all may change: what is known of this stick ends before its first write.
  public func breaches(
    since before: HuaweiQualcommStick, image: CheckedImage, records: [JournalRecord]
  ) -> [String] {
    var broken: [String] = []
    if storage != before.storage { broken.append("S7: the stick's storage changed") }
    for complaint in complaints where complaint != "DIAG 12 refused with 19" {
      broken.append("S1: \(complaint)")
    }
    for case .itemBegan(let index) in records { broken.append("S1: door \(index) was recorded") }
    return broken
  }

  /// An item is begun behind everybody's back.
  public mutating func damage() { storage.isBegun = true }
}
