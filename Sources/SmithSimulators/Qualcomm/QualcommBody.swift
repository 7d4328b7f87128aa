import SmithBytes
public import SmithLink
import SmithModel

/// A simulated stick with a Qualcomm chip of the MDM6200 family on NAND flash: DIAG while its
/// firmware runs, DLOAD when it does not, and a streaming loader once one was put into its RAM.
/// Written from Docs/Protocols/diag.md, dload.md and streaming.md; stricter than a real one.
public struct QualcommBody: StickBody {
  /// Which program runs.
  public enum Phase: Sendable, Equatable {
    case off, application, download, loader, hung
  }

  /// Which program runs now.
  public private(set) var phase = Phase.off
  /// The flash, which survives everything.
  public var flash: QualcommSimNAND
  /// What a real stick might have swallowed and this one refused.
  public private(set) var complaints: [String] = []
  /// Whether the loader comes up as a new device on the bus.
  public var loaderReenumerates = false

  var diag: QualcommSimDiag
  private var generation = 0
  private var turn: (at: Duration, to: Phase)?
  private var leaves: (at: Duration, to: Phase, back: Duration)?
  private var decoder = HDLCDecoder(limit: 8192)
  private var download = QualcommSimDLOAD()
  private var loader = QualcommSimLoader()

  /// Parts of the flash in the order of the table; small, so that a test is quick.
  public static let layout: [QualcommSimNAND.Partition] = [
    .init("0:MIBIB", start: 0, blocks: 2), .init("0:SIM_SECURE", start: 2, blocks: 1),
    .init("0:FSBL", start: 3, blocks: 1), .init("0:OSBL", start: 4, blocks: 1),
    .init("0:AMSS", start: 5, blocks: 3), .init("0:DSP1", start: 8, blocks: 1),
    .init("0:DSP2", start: 9, blocks: 1), .init("0:NVBAK", start: 10, blocks: 1),
    .init("0:EFS2", start: 11, blocks: 4),
  ]
  static let bootChain: [(name: String, id: UInt32)] = [
    ("0:FSBL", 9), ("0:OSBL", 0x0b), ("0:AMSS", 2), ("0:DSP1", 8), ("0:DSP2", 0x0c),
  ]

  /// A stick with a whole firmware of that version.
  public init(
    version: String, identity: [UInt8] = [8, 0x3a, 0x21, 0x43, 0x65, 0x87, 9, 0x21, 0x43],
    layout: [QualcommSimNAND.Partition] = QualcommBody.layout, chip: UInt16 = 0x04e0
  ) {
    flash = QualcommSimNAND(partitions: layout)
    for (name, id) in Self.bootChain {
      flash.load(name, QualcommSimImage.make(id: id, version: version, size: 9000))
    }
    flash.load("0:EFS2", Array("calibration".utf8))
    let identity = identity + [UInt8](repeating: 0, count: max(0, 128 - identity.count))
    diag = QualcommSimDiag(
      model: "MF667", build: version, chip: chip,
      items: [550: identity, 10: [UInt8](repeating: 4, count: 128)],
      files: ["/config": Array(version.utf8), "/nv/numbers/1": [1, 2, 3]])
  }

  /// The version that boots from flash; nil if the boot chain is broken.
  public var bootsVersion: String? {
    let versions = bootVersions
    return versions.contains(nil) ? nil : versions[2]
  }

  /// The version of every part of the boot chain; nil for a part that is not whole.
  public var bootVersions: [String?] {
    Self.bootChain.map { QualcommSimImage.version(of: flash.content($0.name), id: $0.id) }
  }

  /// One numbered setting, as its flash holds it.
  public func item(_ number: UInt16) -> [UInt8]? { diag.items[number] }
  /// Changes one numbered setting behind everybody's back.
  public mutating func setItem(_ number: UInt16, _ data: [UInt8]?) { diag.items[number] = data }
  /// Makes the file system list its directories without end.
  public mutating func breakListing() { diag.endlessListing = true }
  /// Adds or replaces a file of the modem's file system.
  public mutating func setFile(_ path: String, _ bytes: [UInt8]) { diag.files[path] = bytes }

  /// What the computer sees now.
  public var face: StickFace? {
    switch phase {
    case .off: nil
    case .application:
      StickFace(generation: generation, id: USBID(0x19d2, 0x0016), ports: [.diag, .at])
    case .download, .loader, .hung:
      StickFace(generation: generation, id: USBID(0x05c6, 0x9008), ports: [.download])
    }
  }

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? {
    [flash.nextDue, turn?.at, leaves?.at].compactMap { $0 }.min()
  }

  /// Performs what falls due.
  public mutating func advance(to now: Duration) -> [Emission] {
    flash.advance(to: now)
    if let leaving = leaves, leaving.at <= now {
      leaves = nil
      phase = .off
      turn = (leaving.at + leaving.back, leaving.to)
    }
    if let turning = turn, turning.at <= now {
      turn = nil
      become(turning.to)
    }
    return []
  }

  /// Gives it power: it boots from what its flash holds.
  public mutating func plug(at now: Duration) {
    turn = (now + .milliseconds(500), bootPhase)
  }

  /// Takes the power away: what was being written is half written.
  public mutating func unplug(at now: Duration) {
    flash.cut(at: now)
    turn = nil
    leaves = nil
    phase = .off
  }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    _ = advance(to: now)
    guard let face, port >= 0, port < face.ports.count, phase != .hung else { return [] }
    guard face.ports[port] != .at else { return [] }
    return decoder.feed(bytes).flatMap { frame in answer(frame, port, now) }
  }

  private var bootPhase: Phase { bootsVersion == nil ? .download : .application }

  private mutating func become(_ next: Phase) {
    let stays = next == .hung || (next == .loader && !loaderReenumerates)
    if !stays { generation += 1 }
    phase = next
    decoder.reset()
    download = QualcommSimDLOAD()
    loader = QualcommSimLoader()
    if next == .application, let version = bootsVersion { diag.build = version }
  }

  private mutating func answer(_ frame: HDLCDecoder.Frame, _ port: Int, _ now: Duration)
    -> [Emission]
  {
    switch phase {
    case .application: application(frame, port, now)
    case .download: downloading(frame, port, now)
    case .loader: loading(frame, port, now)
    case .off, .hung: []
    }
  }

  private mutating func application(
    _ frame: HDLCDecoder.Frame, _ port: Int, _ now: Duration
  ) -> [Emission] {
    // A damaged frame gets no answer here.
    guard case .body(let body) = frame else { return [] }
    let (reply, action) = diag.answer(body)
    complaints += diag.complaints
    diag.complaints = []
    switch action {
    case .none: break
    case .reset:
      leaves = (now + .milliseconds(200), bootPhase, .seconds(3))
    case .download:
      leaves = (now + .milliseconds(100), .download, .seconds(2))
    case .emergency:
      complaints.append("a newer chip's command")
      return emit([0x13] + body, port, now + .milliseconds(2), opening: false)
    }
    return emit(reply, port, now + .milliseconds(2), opening: false)
  }

  private mutating func downloading(
    _ frame: HDLCDecoder.Frame, _ port: Int, _ now: Duration
  ) -> [Emission] {
    let (reply, action) = download.answer(frame)
    switch action {
    case .none: break
    case .reset: leaves = (now + .milliseconds(100), bootPhase, .seconds(2))
    case .start:
      if loaderReenumerates {
        leaves = (now + .milliseconds(20), .loader, .milliseconds(400))
      } else {
        turn = (now + .milliseconds(300), .loader)
      }
    case .crash:
      complaints.append("started something that is no loader")
      turn = (now + .milliseconds(1), .hung)
    }
    return reply.map { emit($0, port, now + .milliseconds(1), opening: true) } ?? []
  }

  private mutating func loading(
    _ frame: HDLCDecoder.Frame, _ port: Int, _ now: Duration
  ) -> [Emission] {
    let replies = loader.answer(frame, flash: &flash, at: now)
    complaints += loader.complaints
    loader.complaints = []
    if loader.leaves { leaves = (now + .milliseconds(100), bootPhase, .seconds(3)) }
    // What a request set in motion is finished before it is acknowledged.
    let at = flash.idle(after: now) + .microseconds(200)
    return replies.flatMap { emit($0, port, at, opening: true) }
  }

  private func emit(_ body: [UInt8], _ port: Int, _ at: Duration, opening: Bool) -> [Emission] {
    var bytes = HDLC.frame(body)
    if !opening { bytes.removeFirst() }
    // A reply that fills its USB packets is followed by two more flags.
    if opening, bytes.count.isMultiple(of: 64) { bytes += [0x7e, 0x7e] }
    return [Emission(port: port, bytes: bytes, at: at)]
  }
}
