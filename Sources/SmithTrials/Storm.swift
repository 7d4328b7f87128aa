import SmithBench
import SmithBytes
import SmithEngine
public import SmithModel
import SmithSimulators

/// Whole updates in random weather; one seed, one run, always the same.
public struct Storm: Sendable {
  /// A stick and a file for it.
  private struct Scene: Sendable {
    let name: String
    let stick: HuaweiBalongStick
    let image: CheckedImage
    let sends: Int
    let records: Int
  }

  /// What one seed came to.
  public struct Result: Sendable, Equatable {
    /// The seed.
    public let seed: UInt64
    /// The scene that it chose.
    public let scene: String
    /// The verdict of the first run.
    public let verdict: Verdict
    /// Whether the update was done in the end.
    public let isDone: Bool
    /// Broken invariants.
    public let broken: [String]
  }

  private let scenes: [Scene]
  /// The canary: a byte of the flash changes by itself, which every run must notice.
  public var sabotage = false

  /// Prepares a scene for every body and every kind of package, and learns how long each is.
  ///
  /// - Parameter bytes: size of the packages, about.
  public init(bytes: Int = 16_384) async throws {
    var scenes: [Scene] = []
    for personality in HuaweiBalongStick.Personality.all {
      for strict in [false, true] {
        for kind in 0..<3 {
          scenes.append(
            try await Self.scene(personality, strict: strict, kind: kind, bytes: bytes))
        }
      }
    }
    self.scenes = scenes
  }

  private static func scene(
    _ personality: HuaweiBalongStick.Personality, strict: Bool, kind: Int, bytes: Int
  ) async throws -> Scene {
    var options = HuaweiBalongStick.Options()
    options.strict = strict
    var package = SamplePackage(for: personality)
    package.bytes = bytes
    package.compressed = kind == 1
    // Old sticks take no signed packages; only the V7R11 monitor has the command.
    package.signed = kind == 2 && personality.monitor == .v7r11
    package.exe = kind == 2
    options.signed = package.signed
    package.version = "\(personality.firmware.prefix(7))99.00.00"
    let stick = HuaweiBalongStick(personality: personality, options: options)
    let image = try CheckedImage(.init(package.build()), named: "storm.bin")
    let calm = await Trial(stick, image).run()
    return Scene(
      name: "\(personality.name)\(strict ? " strict" : "")"
        + (package.signed ? " signed" : kind == 1 ? " compressed" : package.exe ? " exe" : ""),
      stick: stick, image: image, sends: calm.sends, records: calm.records)
  }

  /// Runs one seed once more and tells what happened, message by message.
  public func explain(seed: UInt64) async -> [String] {
    let (scene, chosen) = trial(seed)
    var trial = chosen
    var options = scene.stick.options
    options.logging = true
    trial.stick = HuaweiBalongStick(personality: scene.stick.personality, options: options)
    var lines = ["seed \(seed): \(scene.name), \(trial.weather)"]
    if let record = trial.crashAfterRecord { lines.append("host dies after record \(record)") }
    let outcome = await trial.run()
    lines += outcome.stick.log.map { $0.json }
    for report in [outcome.first, outcome.resumed].compactMap({ $0 }) {
      lines.append("\(report.verdict): \(report.trouble.map { "\($0)" } ?? "no trouble")")
    }
    return lines + outcome.broken
  }

  /// Runs one seed.
  public func run(seed: UInt64) async -> Result {
    let (scene, trial) = trial(seed)
    let outcome = await trial.run()
    let last = outcome.resumed ?? outcome.first
    return Result(
      seed: seed, scene: scene.name, verdict: outcome.first.verdict,
      isDone: last.verdict == .updated, broken: outcome.broken)
  }

  private func trial(_ seed: UInt64) -> (Scene, Trial<HuaweiBalongStick>) {
    var dice = Seeded(seed)
    let scene = scenes[Int(dice.next() % UInt64(scenes.count))]
    var trial = Trial(scene.stick, scene.image)
    trial.seed = dice.next()
    trial.sabotage = sabotage
    trial.weather = Weather(seed: dice.next(), sends: scene.sends)
    if dice.happens(0.2) {
      trial.crashAfterRecord = 1 + Int(dice.next() % UInt64(max(1, scene.records)))
    }
    return (scene, trial)
  }
}
