public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel

/// What answers on a stick's port.
public enum StickState: Equatable, Sendable {
  /// AT commands of the normal firmware.
  case normal
  /// A loader that waits for a download.
  case waiting(Loader)
  /// Qualcomm DIAG of the normal firmware.
  case diag
  /// The boot ROM: the stick cannot start by itself.
  case bootROM
  /// Nothing answers.
  case silent

  /// Whether a download can begin, or go on, without entering download mode first.
  public var isWaiting: Bool {
    if case .waiting = self { return true }
    return false
  }

  /// The state as programs read it.
  public var word: String {
    switch self {
    case .normal: "normal"
    case .waiting: "download"
    case .diag: "diagnostic"
    case .bootROM: "boot-rom"
    case .silent: "silent"
    }
  }
}

/// Which download protocol a waiting stick speaks.
public enum Loader: Equatable, Sendable {
  /// Huawei's download monitor in HDLC; its version text.
  case balong(monitor: String)
  /// Huawei's download monitor that wants AT^DATAMODE first.
  case balongAT
  /// Sierra's QDL; its version.
  case qdl(version: UInt8)
  /// HIP of Sierra's 3G sticks.
  case hip
  /// Qualcomm's download mode.
  case dload
  /// A Qualcomm loader that takes streams.
  case streaming
  /// Qualcomm's boot ROM that asks for a programmer.
  ///
  /// It greets once: bytes that a probe has heard are handed on; empty if it will greet again.
  case sahara(greeting: [UInt8])
  /// A Qualcomm programmer that takes XML.
  case firehose
  /// The boot loader of a Qualcomm-era Huawei stick; its name.
  case huaweiQualcomm(name: String)
}

/// What comparing a file with a stick came to.
public struct Judgement: Sendable, Equatable {
  /// Version that the stick runs; nil if it cannot be asked.
  public var before: FirmwareVersion?
  /// Version that the file brings; nil if it does not say.
  public var after: FirmwareVersion?
  /// Whether the stick runs exactly this already.
  public var isThere = false
  /// What an equal version leaves open all the same, in words; nil if nothing.
  public var leavesOpen: String?
  /// Products or chips for which the file says that it is made.
  public var products: [String] = []
  /// Carrier whose settings the file brings.
  public var carrier: String?
  /// What will be written, in order.
  public var items: [PlannedItem] = []
  /// Things that the owner should know before agreeing.
  public var warnings: [String] = []
  /// Parts of the way that rest on inference, in words; not empty means `--experimental`.
  public var inferences: [String] = []
  /// The steps of a way that is known in parts only, in order; empty for a way known as a whole.
  public var steps: [PlannedStep] = []
  /// Where knowledge ends, in one sentence: nothing is written then; nil for a way known as a whole.
  public var end: String?
  /// What this family cannot save first, beyond what the stick's state forbids.
  public var cannotBackUp: [String] = []
  /// Seconds that entering, restarting and coming back take.
  public var overheadSeconds = 90.0
  /// Bytes per second that users of such sticks report.
  public var bytesPerSecond = 524_288.0

  /// Nothing known yet.
  public init() {}
}

/// What a family is told to write, and where to begin.
public struct FlashJob {
  /// Where the stick is.
  public var place: Place
  /// The file.
  public var image: FirmwareImage
  /// What the stick said of itself before.
  public var report: DeviceReport
  /// What answered on its port just now.
  public var state: StickState
  /// What the owner allows.
  public var policy: Policy
  /// Index of the first item to write: 0, or the interrupted one of an earlier run.
  public var firstItem: Int

  /// Gathers the parts.
  public init(
    place: Place, image: FirmwareImage, report: DeviceReport, state: StickState, policy: Policy,
    firstItem: Int
  ) {
    self.place = place
    self.image = image
    self.report = report
    self.state = state
    self.policy = policy
    self.firstItem = firstItem
  }
}

/// One kind of sticks that are asked, compared and written alike: a vendor's way over a chip's
/// protocol. Adding one is a folder and a line in ``Families``.
public protocol Family: Sendable {
  /// Name in plans and journals, as in `huawei-balong`.
  var name: String { get }
  /// Vendor in lower case, as in ``DeviceReport/vendor``.
  var vendor: String { get }
  /// What the support rests on: `simulator` or `hardware`.
  var evidence: String { get }
  /// Whether a file of this kind is written this way.
  func takes(_ image: FirmwareImage) -> Bool
  /// Whether a waiting loader is this family's although another family's question found it.
  func owns(_ loader: Loader) -> Bool
  /// Whether an interrupted download may go on with the item that was interrupted.
  var goesOnInTheMiddle: Bool { get }
  /// Codes of troubles that say: the stick refused before anything was written.
  var refusalsAtTheDoor: Set<String> { get }
  /// Whether a waiting stick that nothing was written to starts its firmware when replugged.
  var startsWhenReplugged: Bool { get }
  /// Whether a write that failed leaves the old or the new, never a part: then asking the stick
  /// tells what it came to.
  var writesAllOrNothing: Bool { get }
  /// Codes of troubles after which the stick may be written all the same, so that only asking it
  /// tells.
  var mayHaveWorked: Set<String> { get }

  /// Whether ``flash(_:over:on:watched:)`` reads back all that it writes, so that its good end
  /// proves an update and a version alone does not.
  var readsBack: Bool { get }

  /// The loader to think of where a waiting stick is known by its report only.
  var usualLoader: Loader { get }
  /// Whether a new version, seen after not every part was acknowledged, can prove an update.
  var versionSpeaksForAll: Bool { get }

  /// Whether two versions of such sticks tell which is older.
  func orders(_ one: FirmwareVersion, _ other: FirmwareVersion) -> Bool

  /// Asks a port what answers on it: AT, or this family's loader. Changes nothing.
  func state(over link: any ByteLink) async throws(LinkError) -> StickState
  /// Asks a waiting stick who it is, as far as its loader tells. Changes nothing.
  func look(over link: any ByteLink, in loader: Loader) async throws(Trouble) -> DeviceReport
  /// Compares a file with a stick. Sends nothing.
  ///
  /// - Throws: a refusal (exit code 5) that says why the file is not for this stick.
  func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement
  /// Every reason against a file, the worst first: empty exactly if ``judge(_:_:_:_:)`` does not
  /// throw, and otherwise beginning with what it throws.
  func objections(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) -> [Trouble]
  /// Does the whole job up to the restart; closes the link and every other it opens.
  ///
  /// - Throws: a trouble. Before ``FlashWitness/willWrite(item:)`` the stick keeps its firmware.
  func flash(_ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness)
    async throws(Trouble)
  /// Sends a waiting stick that nothing was written to back into its firmware.
  func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble)
  /// Reads the settings that an update may lose.
  func settings(over session: ATSession) async throws(ATError) -> DeviceSettings?
  /// Writes settings back, as far as that is safe.
  func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  /// What is not as the update should have left it, in words; the version is compared elsewhere.
  func shortfalls(of report: DeviceReport, carrier: String?) -> [String]
}

extension Family {
  /// By default a family finds its own loaders.
  public func owns(_ loader: Loader) -> Bool { false }
  /// By default a failure is a failure.
  public var mayHaveWorked: Set<String> { [] }
  /// By default as with loaders that forget what they collected.
  public var writesAllOrNothing: Bool { startsWhenReplugged }
  /// By default a version is what proves an update.
  public var readsBack: Bool { false }
  /// By default the oldest one.
  public var usualLoader: Loader { .balong(monitor: "") }
  /// By default what a version leaves open the stick's own complaints tell.
  public var versionSpeaksForAll: Bool { true }
  /// By default versions are numbers between dots.
  public func orders(_ one: FirmwareVersion, _ other: FirmwareVersion) -> Bool {
    one.isOlder(than: other) != nil
  }
  /// By default nothing is refused at the door.
  public var refusalsAtTheDoor: Set<String> { [] }
  /// By default a version says all.
  public func shortfalls(of report: DeviceReport, carrier: String?) -> [String] { [] }
  /// By default one after the other: each reason that the owner could waive is waived to find
  /// what stands behind it.
  public func objections(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) -> [Trouble] {
    var policy = policy
    var found: [Trouble] = []
    while found.count < 8 {
      do {
        _ = try judge(image, report, state, policy)
        break
      } catch {
        found.append(error)
        guard policy.waive(error.code) else { break }
      }
    }
    return found
  }
  /// By default there is nothing to read.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? { nil }
  /// By default there is nothing to write.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  { SettingsRestoration() }
}

extension StickState {
  /// Why nothing can be written in this state; nil if something can.
  public var obstacle: Trouble? {
    switch self {
    case .normal, .waiting: nil
    case .bootROM:
      Trouble(
        "stick.wrong-mode", "The stick shows its boot ROM: it cannot start by itself.",
        advice: ["It needs a loader for its chip: `modemsmith rescue --loader LOADER FIRMWARE`."],
        aftermath: .needsRescue, exitCode: .refused)
    case .diag:
      Trouble(
        "stick.wrong-mode", "This port is the stick's diagnostic port.",
        advice: [
          "Choose the AT port: `modemsmith list` shows it.",
          "If it was the AT port before, unplug the stick and plug it in again.",
        ], exitCode: .refused)
    case .silent: LinkError.silent.trouble
    }
  }
}

extension Policy {
  /// Waives the rule behind a refusal; false if it cannot be waived, or is already.
  fileprivate mutating func waive(_ code: String) -> Bool {
    switch code {
    case "plan.downgrade", "sierra.downgrade", "zte.downgrade":
      defer { allowDowngrade = true }
      return !allowDowngrade
    case "plan.product-unknown", "sierra.in-boot-mode", "zte.in-download-mode", "zte.model-unknown":
      return forced.insert(.productUnknown).inserted
    case "plan.wrong-family": return forced.insert(.family).inserted
    case "sierra.other-carrier": return forced.insert(.carrier).inserted
    case "sierra.other-seller", "zte.other-operator": return forced.insert(.branding).inserted
    default: return false
    }
  }
}
