import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
public import SmithModel
import SmithSimulators

/// Whole updates in random weather; one seed, one run, always the same.
public struct Storm: Sendable {
  /// What a seed drew for its scene.
  struct Draw: Sendable {
    var seed: UInt64
    var weather: Weather
    var crashAfterRecord: Int?
    var sabotage: Bool
    var isLogging: Bool
  }

  /// What came of one run.
  struct Ending: Sendable {
    var first: UpdateReport
    var resumed: UpdateReport?
    var broken: [String]
    var log: [String]
  }

  /// A stick and a file for it, whatever their family.
  struct Scene: Sendable {
    let name: String
    let sends: Int
    let records: Int
    let play: @Sendable (Draw) async -> Ending
  }

  /// Whose sticks a storm has.
  public enum Vendor: String, Sendable, CaseIterable {
    case huawei, sierra, zte, qualcomm
    /// Sticks that are looked at only: such a run never ends with an update.
    case huaweiQualcomm = "huawei-qualcomm"

    /// Those whose runs can end with an update.
    public static let written: [Vendor] = [.huawei, .sierra, .zte, .qualcomm]
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
  /// - Parameters:
  ///   - bytes: size of the packages, about.
  ///   - vendors: whose sticks.
  public init(bytes: Int = 16_384, of vendors: [Vendor] = Vendor.written) async throws {
    var scenes: [Scene] = []
    for vendor in vendors {
      switch vendor {
      case .huawei: scenes += try await Self.huaweiScenes(bytes: bytes)
      case .sierra: scenes += try await Self.sierraScenes(bytes: bytes)
      case .huaweiQualcomm: scenes += try await Self.huaweiQualcommScenes()
      case .zte: scenes += try await Self.zteScenes(bytes: bytes)
      case .qualcomm: scenes += try await Self.qualcommScenes(bytes: bytes)
      }
    }
    self.scenes = scenes
  }

  static func trial<Stick: TrialStick>(
    _ stick: Stick, _ image: CheckedImage, _ draw: Draw, contents: [[UInt8]]? = nil
  ) -> Trial<Stick> {
    var trial = Trial(stick, image)
    trial.contents = contents
    trial.seed = draw.seed
    trial.weather = draw.weather
    trial.crashAfterRecord = draw.crashAfterRecord
    trial.sabotage = draw.sabotage
    return trial
  }

  /// The scene of one stick and one file; a calm run tells how long it is, and `log` what the
  /// stick has to say afterwards.
  static func scene<Stick: TrialStick>(
    _ name: String, _ stick: Stick, _ image: CheckedImage, isExperimental: Bool = false,
    log: @escaping @Sendable (Stick) -> [String]
  ) async -> Scene {
    var trial = Trial(stick, image)
    trial.policy.experimental = isExperimental
    let calm = await trial.run()
    return Scene(name: name, sends: calm.sends, records: calm.records) { draw in
      var trial = Self.trial(stick, image, draw)
      trial.policy.experimental = isExperimental
      let outcome = await trial.run()
      return Ending(
        first: outcome.first, resumed: outcome.resumed, broken: outcome.broken,
        log: log(outcome.stick))
    }
  }

  /// Runs one seed once more and tells what happened, message by message.
  public func explain(seed: UInt64) async -> [String] {
    var (scene, draw) = draw(seed)
    draw.isLogging = true
    var lines = ["seed \(seed): \(scene.name), \(draw.weather)"]
    if let record = draw.crashAfterRecord { lines.append("host dies after record \(record)") }
    let ending = await scene.play(draw)
    lines += ending.log
    for report in [ending.first, ending.resumed].compactMap({ $0 }) {
      lines.append("\(report.verdict): \(report.trouble.map { "\($0)" } ?? "no trouble")")
    }
    return lines + ending.broken
  }

  /// Runs one seed.
  public func run(seed: UInt64) async -> Result {
    let (scene, draw) = draw(seed)
    let ending = await scene.play(draw)
    let last = ending.resumed ?? ending.first
    return Result(
      seed: seed, scene: scene.name, verdict: ending.first.verdict,
      isDone: last.verdict == .updated, broken: ending.broken)
  }

  private func draw(_ seed: UInt64) -> (Scene, Draw) {
    var dice = Seeded(seed)
    let scene = scenes[Int(dice.next() % UInt64(scenes.count))]
    var draw = Draw(
      seed: dice.next(), weather: Weather(seed: dice.next(), sends: scene.sends),
      crashAfterRecord: nil, sabotage: sabotage, isLogging: false)
    if dice.happens(0.2) {
      draw.crashAfterRecord = 1 + Int(dice.next() % UInt64(max(1, scene.records)))
    }
    return (scene, draw)
  }
}

extension Storm {
  private static func huaweiScenes(bytes: Int) async throws -> [Scene] {
    var scenes: [Scene] = []
    for personality in HuaweiBalongStick.Personality.all {
      for strict in [false, true] {
        for kind in 0..<3 {
          scenes.append(try await huawei(personality, strict: strict, kind: kind, bytes: bytes))
        }
      }
    }
    return scenes
  }

  private static func huawei(
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
    let chosen = options
    let image = try CheckedImage(.init(package.build()), named: "storm.bin")
    let contents = try image.image.segments.map { try $0.unpacked() }
    let calm = await Trial(HuaweiBalongStick(personality: personality, options: chosen), image)
      .run()
    return Scene(
      name: "\(personality.name)\(strict ? " strict" : "")"
        + (package.signed ? " signed" : kind == 1 ? " compressed" : package.exe ? " exe" : ""),
      sends: calm.sends, records: calm.records
    ) { draw in
      var options = chosen
      options.logging = draw.isLogging
      let outcome = await trial(
        HuaweiBalongStick(personality: personality, options: options), image, draw,
        contents: contents
      ).run()
      return Ending(
        first: outcome.first, resumed: outcome.resumed, broken: outcome.broken,
        log: outcome.stick.log.map { $0.json })
    }
  }

  /// Good loaders, slow ones, ones with a short window, with small pieces, deaf to the switch.
  private static func sierraScenes(bytes: Int) async throws -> [Scene] {
    var kinds: [(String, SierraQuirks)] = [("", SierraQuirks())]
    func add(_ name: String, _ change: (inout SierraQuirks) -> Void) {
      var quirks = SierraQuirks()
      change(&quirks)
      kinds.append((name, quirks))
    }
    add(" slow") { $0.answerDelay = .milliseconds(1500) }
    add(" window") { $0.bootHold = .seconds(3) }
    add(" pieces") { $0.largestChunk = 1024 }
    add(" deaf") { $0.switchAnswer = .silent }
    var scenes: [Scene] = []
    for (name, personality) in SierraPersonality.all {
      guard personality.loader != .hip, !personality.products.isEmpty else { continue }
      for (kind, quirks) in kinds {
        scenes.append(
          await scene(
            name + kind, SierraStick(personality, quirks: quirks),
            try sierraFiles(personality, bytes: bytes)
          ) { $0.complaints })
      }
    }
    return scenes
  }

  private static func sierraFiles(
    _ stick: SierraPersonality, bytes: Int
  ) throws -> CheckedImage {
    var sample = SierraSample(
      product: stick.products[0], family: String(stick.family.prefix { $0 != "_" }),
      version: "\(stick.firmware.prefix(5)).99.00")
    sample.bytes = bytes
    var files = [sample.firmware()].compactMap { $0 }
    if stick.preference != .none {
      files += [sample.carrier(stick.carrier, stick.configuration)].compactMap { $0 }
    }
    return CheckedImage(
      image: FirmwareImage(try files.map { try SierraImage.read(SharedBytes($0)) }),
      path: "storm.cwe", sha256: "\(stick.model) \(bytes)")
  }
}
