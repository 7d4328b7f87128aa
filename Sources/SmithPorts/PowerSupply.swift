import Foundation
public import SmithEngine

/// What the computer runs on, from the kernel's power-supply class.
public enum PowerSupply {
  /// Mains and battery; a computer without a battery counts as on mains.
  ///
  /// - Parameter root: the class folder; a test's own folder in tests.
  public static func state(root: String = "/sys/class/power_supply") -> PowerState {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    var mains: [Bool] = []
    var charges: [Int] = []
    for name in names {
      let folder = "\(root)/\(name)"
      // The battery of a mouse says nothing about the computer.
      if text("\(folder)/scope") == "Device" { continue }
      switch text("\(folder)/type") {
      case "Mains", "USB": mains.append(text("\(folder)/online") == "1")
      case "Battery", "UPS":
        if let percent = text("\(folder)/capacity").flatMap({ Int($0) }) { charges.append(percent) }
        if let status = text("\(folder)/status"), status == "Charging" || status == "Full" {
          mains.append(true)
        }
      default: break
      }
    }
    guard let lowest = charges.min() else { return PowerState() }
    return PowerState(onMains: mains.contains(true), batteryPercent: lowest)
  }

  private static func text(_ path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return String(decoding: data.prefix(64), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
