import Foundation
import SmithLink
import SmithSimulators
import Synchronization

/// Keeps the NAND flash of a simulated stick in a folder, one file for each partition.
final class NANDKeeper: Sendable {
  private struct Kept: Equatable {
    var changes: Int
    var generation: Int?
  }

  private let keeper: SimulatedFlashKeeper
  private let folder: String?
  private let kept = Mutex<Kept?>(nil)

  init(keeper: SimulatedFlashKeeper, folder: String?) {
    self.keeper = keeper
    self.folder = folder
  }

  /// The stick with what an earlier run left in its flash.
  func restored(_ stick: ZTESerialStick) -> ZTESerialStick {
    guard let folder else { return stick }
    var stick = stick
    for partition in ZTESerialStick.layout {
      guard let data = FileManager.default.contents(atPath: path(partition.name, folder)) else {
        continue
      }
      stick.chip.flash.load(partition.name, [UInt8](data))
    }
    return stick
  }

  /// Called after every exchange: writes the flash whenever the stick leaves the bus, changes its
  /// face, or loses its power.
  func keep(_ stick: inout LoggedStick<ZTESerialStick>) {
    keeper.note(stick.drainLog())
    guard let folder else { return }
    let flash = stick.inner.chip.flash
    let state = Kept(changes: flash.changes, generation: stick.face?.generation)
    let isDue = kept.withLock { last in
      defer { if last == nil || last?.generation != state.generation { last = state } }
      return last?.generation != state.generation && last?.changes != state.changes
    }
    guard isDue else { return }
    for partition in flash.partitions {
      try? Data(flash.content(partition.name)).write(
        to: URL(fileURLWithPath: path(partition.name, folder)), options: .atomic)
    }
  }

  private func path(_ partition: String, _ folder: String) -> String {
    "\(folder)/\(partition.dropFirst(2)).bin"
  }
}
