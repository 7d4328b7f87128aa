import Foundation
import SmithBytes
import SmithModel
import SmithSimulators
import Synchronization

/// Keeps a simulated stick's flash in a folder and its messages in a log file.
final class SimulatedFlashKeeper: Sendable {
  private let folder: String?
  private let log: FileHandle?
  private let kept = Mutex<[UInt32: Int]>([:])
  private let written = Mutex<Saved?>(nil)
  private let sierra = Mutex<SierraFlash?>(nil)
  private let qualcomm = Mutex<HuaweiQualcommStick.Storage?>(nil)

  init(flash folder: String?, log path: String?) throws(Trouble) {
    self.folder = folder
    if let folder {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch { throw Self.cannotWrite(folder) }
    }
    guard let path else {
      log = nil
      return
    }
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw Self.cannotWrite(path) }
    log = handle
  }

  /// Adds lines to the log file.
  func note(_ lines: [String]) {
    guard let log, !lines.isEmpty else { return }
    try? log.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
  }

  /// The stick with what an earlier run left in its flash.
  func restored(_ stick: HuaweiBalongStick) -> HuaweiBalongStick {
    guard let folder,
      let state = FileManager.default.contents(atPath: "\(folder)/state.json")
        .flatMap({ try? JSONDecoder().decode(Saved.self, from: $0) })
    else { return stick }
    var stick = stick
    stick.flash.firmware = state.firmware
    stick.flash.allPartsComplete = state.complete
    stick.flash.backupFlag = state.backup
    if let lock = state.lock {
      stick.flash.nv.lockStatus = lock.status
      stick.flash.nv.lockTries = lock.tries
    }
    for index in stick.flash.items.indices {
      let item = stick.flash.items[index]
      guard let saved = state.items[item.id.fileName] else { continue }
      stick.flash.items[index].announced = saved.announced
      stick.flash.items[index].state = .init(rawValue: saved.state) ?? item.state
      stick.flash.items[index].bytes = [UInt8](
        FileManager.default.contents(atPath: "\(folder)/\(item.id.fileName).bin") ?? Data())
    }
    return stick
  }

  /// Called after every exchange: writes what changed.
  func keep(_ stick: inout HuaweiBalongStick) {
    if let log {
      let lines = stick.drainLog().map { $0.json + "\n" }.joined()
      if !lines.isEmpty { try? log.write(contentsOf: Data(lines.utf8)) }
    }
    guard let folder else { return }
    for item in stick.flash.items {
      // An item is written out when it ends, and once more if it was cut short.
      let mark = item.state == .complete ? item.sequence * 2 + 1 : item.sequence * 2
      let isNew = kept.withLock { kept in
        defer { kept[item.id] = mark }
        return kept[item.id] != mark
      }
      guard isNew else { continue }
      let path = "\(folder)/\(item.id.fileName).bin"
      try? Data(item.bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
    keepState(of: stick, in: folder)
  }

  /// The stick with what an earlier run left in its flash.
  func restored(_ stick: SierraStick) -> SierraStick {
    guard let folder,
      let state = FileManager.default.contents(atPath: "\(folder)/state.json")
        .flatMap({ try? JSONDecoder().decode(SierraFlash.self, from: $0) })
    else { return stick }
    var stick = stick
    stick.flash = state
    return stick
  }

  /// Called after every exchange: writes what changed.
  func keep(_ stick: inout LoggedStick<SierraStick>) {
    if let log {
      let lines = stick.drainLog().map { $0 + "\n" }.joined()
      if !lines.isEmpty { try? log.write(contentsOf: Data(lines.utf8)) }
    }
    guard let folder else { return }
    let state = stick.inner.flash
    let isNew = sierra.withLock { last in
      defer { last = state }
      return last != state
    }
    guard isNew, let data = try? JSONEncoder().encode(state) else { return }
    try? data.write(to: URL(fileURLWithPath: "\(folder)/state.json"), options: .atomic)
  }

  /// The stick with what an earlier run left in its storage.
  func restored(_ stick: HuaweiQualcommStick) -> HuaweiQualcommStick {
    guard let folder,
      let state = FileManager.default.contents(atPath: "\(folder)/state.json")
        .flatMap({ try? JSONDecoder().decode(HuaweiQualcommStick.Storage.self, from: $0) })
    else { return stick }
    var stick = stick
    stick.storage = state
    return stick
  }

  /// Called after every exchange: writes what changed.
  func keep(_ stick: inout LoggedStick<HuaweiQualcommStick>) {
    if let log {
      let lines = stick.drainLog().map { $0 + "\n" }.joined()
      if !lines.isEmpty { try? log.write(contentsOf: Data(lines.utf8)) }
    }
    guard let folder else { return }
    let state = stick.inner.storage
    let isNew = qualcomm.withLock { last in
      defer { last = state }
      return last != state
    }
    guard isNew, let data = try? JSONEncoder().encode(state) else { return }
    try? data.write(to: URL(fileURLWithPath: "\(folder)/state.json"), options: .atomic)
  }

  /// The flags change without any item, too: when an update is entered, and when it is finished.
  private func keepState(of stick: HuaweiBalongStick, in folder: String) {
    let items = stick.flash.items.map {
      ($0.id.fileName, SavedItem(announced: $0.announced, state: $0.state.rawValue))
    }
    let state = Saved(
      firmware: stick.flash.firmware, complete: stick.flash.allPartsComplete,
      backup: stick.flash.backupFlag,
      lock: SavedLock(status: stick.flash.nv.lockStatus, tries: stick.flash.nv.lockTries),
      items: Dictionary(items) { first, _ in first })
    let isNew = written.withLock { written in
      defer { written = state }
      return written != state
    }
    guard isNew, let data = try? JSONEncoder().encode(state) else { return }
    try? data.write(to: URL(fileURLWithPath: "\(folder)/state.json"), options: .atomic)
  }

  private struct Saved: Codable, Equatable {
    var firmware: String
    var complete: Bool
    var backup: Bool
    var lock: SavedLock?
    var items: [String: SavedItem]
  }

  private struct SavedLock: Codable, Equatable {
    var status: Int
    var tries: Int
  }

  private struct SavedItem: Codable, Equatable {
    var announced: Int
    var state: String
  }

  private static func cannotWrite(_ path: String) -> Trouble {
    Trouble(
      "file.not-writable", "\(path) cannot be written.", advice: ["Choose another path."],
      exitCode: .usage)
  }
}

extension UInt32 {
  /// Eight hexadecimal digits.
  fileprivate var fileName: String {
    let digits = String(self, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
