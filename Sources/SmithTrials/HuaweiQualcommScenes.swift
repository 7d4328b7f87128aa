import SmithBytes
import SmithEngine
import SmithModel
import SmithSimulators

extension Storm {
  /// Huawei's Qualcomm-era sticks, and those that do not follow the capture.
  static func huaweiQualcommScenes() async throws -> [Scene] {
    var sticks: [(String, HuaweiQualcommStick)] = []
    for personality in HuaweiQualcommStick.Personality.all where personality.options.entersLoader {
      sticks.append((personality.name, HuaweiQualcommStick(personality)))
    }
    let changes: [(String, (inout HuaweiQualcommStick.Options) -> Void)] = [
      ("one port", { $0.singlePort = true }), ("no QCDMG", { $0.knowsQCDMG = false }),
      ("no DIAG", { ($0.knowsQCDMG, $0.knowsDISLOG) = (false, false) }),
      ("refuses 3A", { $0.entersLoader = false }), ("stays", { $0.staysAfterEntry = true }),
      ("no restart", { $0.loaderKnowsReset = false }),
    ]
    for (name, change) in changes {
      guard let personality = HuaweiQualcommStick.Personality.named("huawei-e1550") else {
        continue
      }
      sticks.append((name, HuaweiQualcommStick(personality, change: change)))
    }
    var scenes: [Scene] = []
    for (name, stick) in sticks {
      let image = try CheckedImage(
        SharedBytes(
          HuaweiQualcommSample(
            product: stick.options.loaderProduct ?? String(stick.model.prefix(4)),
            version: "\(stick.firmware.prefix(7))99.00.00"
          ).package()), named: "storm.bin")
      scenes.append(await scene(name, stick, image, isExperimental: true) { $0.complaints })
    }
    return scenes
  }
}
