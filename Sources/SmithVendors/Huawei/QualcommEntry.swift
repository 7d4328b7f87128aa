import SmithAT
import SmithBytes
public import SmithLink
public import SmithModel
import SmithProtocols

/// The owner's word for something that was seen on one public capture only. Usable once.
public struct ExperimentalConsent: ~Copyable, Sendable {
  /// How it was given.
  public let how: String

  /// The owner agreed to try what no second source confirms.
  public init(how: String) {
    self.how = how
  }
}

/// What a Huawei stick of the Qualcomm era says of itself over DIAG.
public struct QualcommSaid: Equatable, Sendable {
  /// Version of its firmware.
  public var firmware: FirmwareVersion?
  /// Hardware text, as in `E1550FCD6ATCPU Ver.A`.
  public var hardware: String?
}

/// What its boot loader says of itself.
public struct QualcommLoaderSaid: Equatable, Sendable {
  /// Its name, as in `M62xx-OEMSBL`.
  public var loader: String
  /// Product text without `HUAWEI `, as in `E155`.
  public var product: String?

  /// Gathers the parts.
  public init(loader: String, product: String?) {
    self.loader = loader
    self.product = product
  }
}

/// The way of a Qualcomm-era Huawei stick into its boot loader
/// (Docs/Protocols/huawei-qualcomm.md section 2).
///
/// experimental: one capture of an E1550, whose checksums all match; no second source. It ends
/// where knowledge ends: nothing here begins an item or writes one.
public enum QualcommEntry {
  /// Turns the AT port into the diagnostic port and asks what the stick is (steps 1 to 4).
  ///
  /// Harmless: a restart brings the AT port back.
  public static func openDiag(over link: any ByteLink) async throws(QualcommEntryError)
    -> QualcommSaid
  {
    var isOpen = false
    do throws(ATError) {
      isOpen = try await ATSession(link: link).send("AT$QCDMG", within: .seconds(5)).isOK
    } catch .link(let error) {
      throw .link(error)
    } catch .silent, .binary, .garbage, .unfinished {
      // It may be the diagnostic port already.
    } catch {
      throw .noDiag
    }
    if !isOpen { try await send([UInt8]("AT^DISLOG=255\r\n".utf8), link) }
    var line = Line(link)
    for _ in 0..<2 {
      // In normal mode the loader's question is refused by DIAG with a copy of itself.
      guard let reply = try await line.ask([0x0c], opening: true) else { continue }
      if reply.first == 0x0d { throw .alreadyInLoader }
      guard reply.starts(with: [0x13, 0x0c]) else { continue }
      return try await version(&line)
    }
    throw .noDiag
  }

  private static func version(_ line: inout Line) async throws(QualcommEntryError) -> QualcommSaid {
    let question: [UInt8] = [0x4b, 0xc9, 0x03, 0xff]
    guard let reply = try await line.ask(question, opening: false), reply.starts(with: question),
      reply.count >= 4 + 31 + 32
    else { return QualcommSaid() }
    let firmware = text(reply[4..<35])
    let hardware = text(reply[35..<67])
    return QualcommSaid(
      firmware: firmware.isEmpty ? nil : FirmwareVersion(firmware),
      hardware: hardware.isEmpty ? nil : hardware)
  }

  /// Sends the stick into its loader (steps 5 to 7) and waits until the port is gone.
  ///
  /// The loader leaves by itself at the next plugging in, as long as nothing was begun in it.
  public static func enter(
    over link: any ByteLink, _ consent: consuming ExperimentalConsent
  ) async throws(QualcommEntryError) {
    var line = Line(link)
    _ = try await line.ask([0xfa, 0x13, 0, 0], opening: false)
    _ = try await line.ask([0xfb], opening: true)
    let reply: [UInt8]?
    do throws(QualcommEntryError) {
      reply = try await line.ask([0x3a], opening: true, tries: 1)
    } catch .link(.gone) {
      return
    }
    if let reply, reply != [0x3a] { throw .refused }
    try await awaitDeparture(link)
  }

  /// Asks the loader who it is (steps 8 to 10); reads only.
  public static func loader(over link: any ByteLink) async throws(QualcommEntryError)
    -> QualcommLoaderSaid
  {
    var line = Line(link, isLoader: true)
    guard let hello = try await line.ask([0x0c], opening: true, tries: 3), hello.first == 0x0d
    else { throw .noLoader }
    let name = text(hello.dropFirst(2))
    guard isKnown(name) else { throw .otherLoader(name) }
    _ = try await line.ask([0x3a], opening: true)
    return QualcommLoaderSaid(loader: name, product: try await product(&line))
  }

  /// Asks a loader that waits for its product (step 10), whatever its name; reads only.
  public static func product(over link: any ByteLink) async throws(QualcommEntryError) -> String? {
    var line = Line(link, isLoader: true)
    return try await product(&line)
  }

  private static func product(_ line: inout Line) async throws(QualcommEntryError) -> String? {
    let reply = try await line.ask([0x45], opening: true)
    let said = reply.flatMap { $0.first == 0x45 ? text($0.dropFirst()) : nil } ?? ""
    let bare = said.hasPrefix("HUAWEI ") ? String(said.dropFirst(7)) : said
    return bare.isEmpty ? nil : bare
  }

  /// Whether a capture shows a loader of that name.
  static func isKnown(_ loader: String) -> Bool { loader.contains("OEMSBL") }

  /// Tells a loader in which nothing was begun to restart (0A), and waits until the port is gone
  /// (Docs/Protocols/huawei-qualcomm.md section 3).
  public static func leave(over link: any ByteLink) async throws(QualcommEntryError) {
    try await restart([0x0a], Line(link, isLoader: true))
  }

  /// Tells DIAG to restart the firmware, so that the AT port is back; no AT port was turned where
  /// nothing answers.
  public static func closeDiag(over link: any ByteLink) async throws(QualcommEntryError) {
    try await restart([0x29, 0x02, 0x00], Line(link))
  }

  private static func restart(_ body: [UInt8], _ line: Line) async throws(QualcommEntryError) {
    var line = line
    let reply: [UInt8]?
    do throws(QualcommEntryError) {
      reply = try await line.ask(body, opening: true)
    } catch .link(.gone) {
      return
    }
    if reply?.first == 0x03 || reply?.first == 0x13 { throw .refused }
    try await awaitDeparture(line.link)
  }

  private static func awaitDeparture(_ link: any ByteLink) async throws(QualcommEntryError) {
    for _ in 0..<25 {
      do throws(LinkError) {
        _ = try await link.receive(within: .milliseconds(200))
      } catch .gone {
        return
      } catch .silent {
        continue
      } catch {
        throw .link(error)
      }
    }
    throw .stayed
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(printable: [UInt8](bytes.prefix { $0 != 0 }))
  }

  fileprivate static func send(_ bytes: [UInt8], _ link: any ByteLink)
    async throws(QualcommEntryError)
  {
    do throws(LinkError) { try await link.send(bytes) } catch { throw .link(error) }
  }
}

/// One question, one frame; the captures differ in the opening flag, and so do we.
private struct Line {
  let link: any ByteLink
  /// What may leave to a loader: three questions and the restart. Nothing that begins, sends or ends an item has a
  /// way out of here.
  private static let loaderMayHear: [[UInt8]] = [[0x0c], [0x3a], [0x45], [0x0a]]
  private let isLoader: Bool
  private var decoder = HDLCDecoder(limit: 8192)

  init(_ link: any ByteLink, isLoader: Bool = false) {
    self.link = link
    self.isLoader = isLoader
  }

  /// Nil if no frame came; asked twice at most, which every question here allows.
  mutating func ask(_ body: [UInt8], opening: Bool, tries: Int = 2)
    async throws(QualcommEntryError) -> [UInt8]?
  {
    guard isLoader ? Self.loaderMayHear.contains(body) : DiagGuard.refusal(of: body) == nil
    else { throw .refused }
    let frame = HDLC.frame(body)
    for _ in 0..<tries {
      try await drain()
      try await QualcommEntry.send(opening ? frame : Array(frame.dropFirst()), link)
      let end = link.now + .seconds(1)
      while link.now < end {
        guard let bytes = try await receive(within: end - link.now) else { break }
        for case .body(let reply) in decoder.feed(bytes) where !reply.isEmpty { return reply }
      }
    }
    return nil
  }

  private mutating func drain() async throws(QualcommEntryError) {
    decoder.reset()
    for _ in 0..<64 {
      guard try await receive(within: .zero) != nil else { return }
    }
  }

  private func receive(within limit: Duration) async throws(QualcommEntryError) -> [UInt8]? {
    do throws(LinkError) {
      return try await link.receive(within: limit)
    } catch .silent {
      return nil
    } catch {
      throw .link(error)
    }
  }
}

/// Why the way into the loader ended early.
public enum QualcommEntryError: Error, Equatable, Sendable {
  /// The port answers neither as AT port nor as diagnostic port.
  case noDiag
  /// The stick is in its loader already.
  case alreadyInLoader
  /// The stick refused to go, or the request may not leave.
  case refused
  /// The stick took the command and stayed.
  case stayed
  /// Nothing answers as a loader.
  case noLoader
  /// A loader that no capture shows; its name.
  case otherLoader(String)
  /// The link failed.
  case link(LinkError)
}

extension QualcommEntryError: TroubleConvertible {
  /// The explanation.
  public var trouble: Trouble {
    let replug = "Plug the stick in again: without a write it starts as before."
    switch self {
    case .link(let error): return error.trouble
    case .noDiag:
      return Trouble(
        "huawei.no-diag", "The stick does not open its diagnostic port.",
        advice: ["Try the stick's other ports: `modemsmith list` shows them.", replug],
        exitCode: .refused)
    case .alreadyInLoader, .stayed, .refused:
      return Trouble(
        "huawei.entry-refused",
        self == .alreadyInLoader
          ? "The stick is in its boot loader already." : "The stick did not go into its loader.",
        advice: [replug], aftermath: .stillBoots, exitCode: .refused)
    case .noLoader, .otherLoader:
      var facts: [String] = []
      if case .otherLoader(let name) = self { facts = ["it calls itself: \(name)"] }
      return Trouble(
        "huawei.unknown-loader", "No loader that is known answers here.", facts: facts,
        advice: [replug], aftermath: .stillBoots, exitCode: .refused)
    }
  }
}
