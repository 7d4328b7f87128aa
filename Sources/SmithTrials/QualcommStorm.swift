import SmithModel
import SmithSimulators

extension Storm {
  /// Habits of boot ROMs and programmers, with a key and without.
  static func qualcommScenes(bytes: Int) async throws -> [Scene] {
    var kinds: [(String, QualcommLTEBody.Habits)] = [("", QualcommLTEBody.Habits())]
    func add(_ name: String, _ change: (inout QualcommLTEBody.Habits) -> Void) {
      var habits = QualcommLTEBody.Habits()
      change(&habits)
      kinds.append((name, habits))
    }
    add(" fused") { $0.fused = true }
    add(" wide") { $0.wide = true }
    add(" shy") { $0.shy = true }
    add(" never done") { $0.neverDone = true }
    add(" no questions") { $0.deafToCommands = true }
    add(" small pieces") { $0.mostPayload = 2048 }
    var scenes: [Scene] = []
    for (name, habits) in kinds {
      var sample = QualcommSample(version: "LTE_V2.0")
      sample.bytes = bytes
      sample.modemBlocks = QualcommSample.blocks(for: bytes)
      sample.hasTable = scenes.count.isMultiple(of: 2)
      var stick = QualcommLTEBody(version: "LTE_V1.0", modemBlocks: sample.modemBlocks)
      stick.habits = habits
      scenes.append(
        await scene("qualcomm-lte\(name)", stick, try sample.image(), isExperimental: true) {
          $0.complaints
        })
    }
    return scenes
  }
}
