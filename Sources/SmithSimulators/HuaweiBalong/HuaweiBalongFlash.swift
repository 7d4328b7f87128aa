import Glibc
import SmithBytes

extension HuaweiBalongStick {
  /// Settings and identity, kept in their own part of the flash.
  public struct NV: Equatable, Sendable {
    /// One data connection.
    public struct Profile: Equatable, Sendable {
      /// PDP type, as in `IP`.
      public var type: String
      /// Access point name.
      public var apn: String

      /// Gathers the parts.
      public init(type: String, apn: String) {
        self.type = type
        self.apn = apn
      }
    }
    /// Identity number; empty when lost.
    public var imei: String
    /// Serial number.
    public var serial: String
    /// SIM lock: 1 code needed, 2 open, 3 blocked for good.
    public var lockStatus: Int
    /// Tries left for the code.
    public var lockTries: Int
    /// Data connections by number.
    public var profiles: [Int: Profile]
    /// Port composition as AT^SETPORT takes it.
    public var setPort: String
  }

  /// Everything that survives without power.
  public struct Flash: Equatable, Sendable {
    /// How much of an item is there.
    public enum State: String, Equatable, Sendable {
      /// Begun by 41 and not ended by 43: boots nowhere.
      case incomplete
      /// Ended with as many bytes as were announced.
      case complete
      /// Ended with another number of bytes than announced: boots nowhere.
      case corrupt
    }
    /// One partition's content.
    public struct Item: Equatable, Sendable {
      /// Item number as on the wire.
      public var id: UInt32
      /// What was written so far.
      public var bytes: [UInt8]
      /// Size that 41 announced.
      public var announced: Int
      /// How much of it is there.
      public var state: State
      /// Counts 41s over the stick's life; the item with the highest was begun last.
      public var sequence: Int
    }

    /// All items, in the order in which they were first written.
    public var items: [Item] = []
    /// Cleared by the first 41 (and by a V3R3 monitor that gives up), set by 0A when everything
    /// that was begun is complete; while it is cleared the stick boots into download mode.
    public var allPartsComplete = true
    /// Version of the firmware that boots.
    public var firmware: String
    /// Version of the dashboard.
    public var dashboard: String
    /// Settings and identity.
    public var nv: NV
    /// What AT^NVBACKUP saved.
    public var nvBackup: NV?
    /// Set by AT^NVBACKUP; sends the next boot into download mode until a reset there.
    public var backupFlag = false
    /// Set by a finished firmware update; the next normal boot restores the NV area.
    public var nvRestorePending = false
    /// How often the NV area was restored.
    public var nvRestores = 0
    /// Sequence number up to which items belong to finished updates.
    public var committed = 0
    var lastSequence = 0
    var nvImageWritten = false
    private var tables: [Item] = []
    var factoryNV: NV

    init(personality: Personality, firmware: String, dashboard: String, nv: NV) {
      self.firmware = firmware
      self.dashboard = dashboard
      self.nv = nv
      factoryNV = nv
      items = personality.factoryItems.map { id in
        let content = [UInt8]("factory item \(id)".utf8)
        return Item(
          id: id, bytes: content, announced: content.count, state: .complete, sequence: 0)
      }
      tables = items.filter { Self.partitionTables.contains($0.id) }
    }

    /// The item of that number, or nil if it was never written.
    public func item(_ id: UInt32) -> Item? { items.first { $0.id == id } }

    /// Whether a part is missing without which only the boot ROM runs.
    public var bootPartIsBroken: Bool {
      items.contains { Self.bootParts.contains($0.id) && $0.state != .complete }
    }

    /// Whether an item of that size fits beside the others; keeps memory bounded.
    func hasRoom(_ id: UInt32, _ size: Int, _ options: HuaweiBalongStick.Options) -> Bool {
      let others = items.lazy.filter { $0.id != id }
      return others.count < 256
        && others.reduce(size) { $0 + $1.announced } <= options.flashSize
    }

    /// Erases the item and marks it incomplete at once; returns its index.
    mutating func begin(_ id: UInt32, announced: Int) -> Int {
      allPartsComplete = false
      lastSequence += 1
      if let index = items.firstIndex(where: { $0.id == id }) {
        items[index].bytes = []
        items[index].bytes.reserveCapacity(min(announced, 1 << 20))
        items[index].announced = announced
        items[index].state = .incomplete
        items[index].sequence = lastSequence
        return index
      }
      items.append(
        Item(id: id, bytes: [], announced: announced, state: .incomplete, sequence: lastSequence))
      return items.count - 1
    }

    /// The partition table that was in force before it was written anew; nil if none was.
    func partitionTable(_ id: UInt32) -> [UInt8]? {
      tables.first { $0.id == id }?.bytes
    }

    mutating func rememberPartitionTable(_ item: Item) {
      guard item.state == .complete || item.bytes.count == item.announced else { return }
      tables.removeAll { $0.id == item.id }
      tables.append(item)
    }

    /// Sets the flag if everything that was begun is complete, and reads the new versions.
    mutating func finishUpdate(layout: [UInt32]?) {
      let begun = items.filter { $0.sequence > committed }.sorted { $0.sequence < $1.sequence }
      guard !begun.isEmpty, items.allSatisfy({ $0.state == .complete }) else { return }
      if let layout, !layout.allSatisfy({ id in begun.contains { $0.id == id } }) { return }
      let firmwareItems = begun.filter { !Self.dashboardParts.contains($0.id) }
      if !firmwareItems.isEmpty {
        nvRestorePending = true
        nvImageWritten = begun.contains { Self.nvParts.contains($0.id) }
        firmware =
          firmwareItems.reversed().lazy.compactMap { $0.marker(Item.versionMarker) }.first
          ?? firmwareItems.lazy.compactMap { $0.firstVersionText() }.first ?? firmware
      }
      dashboard =
        begun.reversed().lazy.compactMap { $0.marker(Item.dashboardMarker) }.first ?? dashboard
      committed = lastSequence
      allPartsComplete = true
      backupFlag = false
    }

    /// What the first normal boot after an update does to the NV area: a package that brought an
    /// NV image has overwritten it, so identity and settings come back from the backup, or, without
    /// a backup, identity alone from the factory's copy.
    mutating func restoreNV() {
      guard nvRestorePending else { return }
      nvRestorePending = false
      nvRestores += 1
      if nvImageWritten { nv = nvBackup ?? factoryNV }
      nvImageWritten = false
      nvBackup = nil
    }

    /// What a stock loader does when it starts: nothing of the unit is left, not even what the
    /// factory put there (Docs/Protocols/balong-loader.md section 4).
    mutating func eraseEverything() {
      for index in items.indices {
        items[index].bytes = []
        items[index].state = .incomplete
      }
      let lost = NV(
        imei: "", serial: "", lockStatus: 1, lockTries: 0, profiles: [:], setPort: nv.setPort)
      nv = lost
      factoryNV = lost
      nvBackup = nil
      backupFlag = false
      allPartsComplete = false
    }

    /// Damages the first boot part, as an update does that is cut in it: only the boot ROM is left.
    public mutating func brick() {
      guard let index = items.firstIndex(where: { Self.bootParts.contains($0.id) }) else { return }
      items[index].state = .incomplete
      items[index].bytes = []
      allPartsComplete = false
    }

    static let bootParts: Set<UInt32> = [0x20000, 0x200000, 0x101, 0x110000]
    static let partitionTables: Set<UInt32> = [0x10000, 0x100, 0x480000, 0x490000]
    static let dashboardParts: Set<UInt32> = [
      0xb0000, 0x10c, 0x560000, 0x5b0000, 0x113, 0xa0000, 1, 2,
    ]
    static let nvParts: Set<UInt32> = [0x80000, 0x66]
  }
}

extension HuaweiBalongStick.Flash.Item {
  static let versionMarker = [UInt8]("SMITHSIM-VERSION:".utf8)
  static let dashboardMarker = [UInt8]("SMITHSIM-DASHBOARD:".utf8)

  /// The text between the marker and the next semicolon, looked for in the first 4 KiB.
  func marker(_ marker: [UInt8]) -> String? {
    let start = unsafe bytes.withUnsafeBytes { bytes -> Int? in
      guard let base = bytes.baseAddress, let first = marker.first else { return nil }
      var start = 0
      while start + marker.count <= min(bytes.count, 4096),
        let next = unsafe memchr(base + start, Int32(first), min(bytes.count, 4096) - start)
      {
        start = unsafe UnsafeRawPointer(next) - base
        let found = unsafe bytes[start...].prefix(marker.count)
        if unsafe found.elementsEqual(marker) { return start }
        start += 1
      }
      return nil
    }
    guard let start else { return nil }
    let text = bytes[(start + marker.count)...].prefix(64).prefix { $0 != 0x3b }
    return String(printable: [UInt8](text))
  }

  /// The first text of the form dd.ddd.dd.dd.dd or dd.ddd.dd.dd.ddd anywhere in the data.
  func firstVersionText() -> String? {
    func digits(_ count: Int, at start: Int) -> Bool {
      start >= 0 && start + count <= bytes.count
        && bytes[start..<(start + count)].allSatisfy { (0x30...0x39).contains($0) }
    }
    func dot(_ position: Int) -> Bool { position < bytes.count && bytes[position] == 0x2e }
    for point in bytes.indices
    where bytes[point] == 0x2e && digits(2, at: point - 2) && digits(3, at: point + 1)
      && dot(point + 4) && digits(2, at: point + 5) && dot(point + 7) && digits(2, at: point + 8)
      && dot(point + 10) && digits(2, at: point + 11)
    {
      let end = point + (digits(1, at: point + 13) ? 14 : 13)
      return String(decoding: bytes[(point - 2)..<end], as: UTF8.self)
    }
    return nil
  }
}
