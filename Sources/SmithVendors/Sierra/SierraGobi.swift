public import SmithFormats
public import SmithLink
public import SmithModel
import SmithProtocols

/// Gobi 2000 modems that wait in their loader, written over version 5 of QDL; experimental
/// (Docs/Protocols/sierra-qdl.md section 11).
///
/// The way into the loader is a QMI command, which is not ours: a running modem is refused.
public struct SierraGobi: Family {
  private let boot = SierraBoot()

  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "sierra-gobi" }
  /// The vendor.
  public var vendor: String { "sierra" }
  /// What the support rests on.
  public var evidence: String { "simulator" }
  /// Told to leave, a loader starts what it finds whole.
  public var startsWhenReplugged: Bool { true }
  /// Every image begins anew.
  public var goesOnInTheMiddle: Bool { false }
  /// The version is the modem image's alone: what became of the others only their answers tell.
  public var versionSpeaksForAll: Bool { false }
  /// Version 5.
  public var usualLoader: Loader { Self.loader }
  /// The image may be in the flash although its last answer was lost.
  public var mayHaveWorked: Set<String> { boot.mayHaveWorked }

  /// The three files.
  public func takes(_ image: FirmwareImage) -> Bool { image.format == .gobi2000 }
  /// A loader that speaks version 5.
  public func owns(_ loader: Loader) -> Bool { loader == Self.loader }

  /// Asks as for every Sierra stick.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    try await boot.state(over: link)
  }

  /// A loader says nothing of the stick.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  { try await boot.look(over: link, in: loader) }

  /// Only the loader's version can be compared: nothing in the files names a modem.
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    guard report.vendor == vendor else { throw FrontDoor.sierra(report) }
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.after = image.claims.firmware
    judgement.items = image.segments.map { segment in
      let isModem = segment.id == UInt32(QDLImage.Kind.amss.rawValue)
      return PlannedItem(
        id: segment.id, name: segment.name, bytes: segment.size - (isModem ? 8 : 0))
    }
    if state == .normal {
      if let wanted = judgement.after, let now = report.firmware, wanted.isConfirmed(by: now) {
        judgement.isThere = true
        if !policy.reinstall { return judgement }
      }
      throw Self.noWayIn(report)
    }
    guard state == .waiting(Self.loader) else { throw SierraMismatch.otherLoader(state, needs: 5) }
    judgement.cannotBackUp = ["the firmware now on the stick (its loader does not let it be read)"]
    judgement.overheadSeconds = 150
    judgement.inferences = Self.inferences(image)
    return judgement
  }

  private static func inferences(_ image: FirmwareImage) -> [String] {
    let version =
      if let text = image.claims.firmware?.text {
        "that \(text) in amss.mbn is what the modem will say of itself"
      } else {
        "amss.mbn names no version: afterwards it cannot be proven that the modem runs it"
      }
    return [
      "nothing in these files names a modem: that they are for exactly this one is your word;"
        + " the loader's version 5 only says that it is a Gobi 2000",
      "that amss.mbn, apps.mbn and UQCN.mbn in this order make a whole modem: it was never seen"
        + " on one by this tool",
      "no checksum covers these images, in the files or on their way: only the USB bus's own do",
      version,
    ]
  }

  /// Every image in one session, from a loader that waits already.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    guard job.state == .waiting(Self.loader) else {
      await link.close()
      throw job.state == .normal
        ? Self.noWayIn(job.report) : SierraMismatch.otherLoader(job.state, needs: 5)
    }
    try await SierraRoute(bus: bus, witness: watched).flash(job, over: link)
  }

  /// Lets the loader start the firmware it has.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    try await boot.leave(over: link, from: loader)
  }

  private static let loader = Loader.qdl(version: 5)

  /// A running modem: another of Sierra's, or one that only QMI brings into its loader.
  private static func noWayIn(_ report: DeviceReport) -> Trouble {
    if let revision = report.revision.flatMap({ SierraRevision($0) }) {
      return Trouble(
        "sierra.other-loader", "The files are for a Gobi 2000, and this stick is none.",
        facts: ["it runs \(revision.version.text) of \(revision.family)"],
        advice: ["Look for a .cwe or .spk file for \(revision.family)."], exitCode: .refused)
    }
    return Trouble(
      "sierra.gobi-way-in",
      "The modem runs. A Gobi 2000 goes into its loader by a QMI command, which this tool does"
        + " not send.",
      facts: ["nothing was sent; it works as before"],
      advice: [
        "Bring it into its loader (QDL) with its maker's program or your system's.",
        "Then run the same command again, with `--port` for the port that appears.",
      ], aftermath: .untouched, exitCode: .refused)
  }
}

extension SierraMismatch {
  /// The loader that waits is of another generation than the file.
  static func otherLoader(_ state: StickState, needs version: Int) -> Trouble {
    let found =
      switch state {
      case .waiting(.qdl(let version)) where version > 0: "it speaks version \(version) of QDL"
      case .waiting(.hip): "it speaks HIP"
      default: "it speaks no version of QDL that is known"
      }
    return Trouble(
      "sierra.other-loader", "The file is for another generation of sticks than this loader.",
      facts: [found, "the file needs version \(version)"],
      advice: [
        version == 5
          ? "amss.mbn, apps.mbn and UQCN.mbn are for Gobi 2000 only: look for a .cwe or .spk file."
          : "A Gobi 2000 takes the folder with amss.mbn, apps.mbn and UQCN.mbn."
      ], aftermath: .untouched, exitCode: .refused)
  }
}
