public import SmithAT
import SmithBytes
public import SmithFormats
public import SmithLink
public import SmithModel
import SmithProtocols

/// Sticks with a newer Qualcomm chip, written through Sahara and Firehose
/// (Docs/Protocols/firehose.md section 6).
public struct QualcommFirehose: Family {
  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "qualcomm-firehose" }
  /// The vendor of sticks that name only their chip's maker.
  public var vendor: String { "qualcomm" }
  /// What the support rests on.
  public var evidence: String { "simulator" }
  /// The boot ROM's download mode ends with the power.
  public var startsWhenReplugged: Bool { true }
  /// What is whole on the stick is found by reading, not by a journal.
  public var goesOnInTheMiddle: Bool { false }
  /// Every item is read back, and nothing but that proves an update: a version may come from one
  /// part of many.
  public var readsBack: Bool { true }
  /// The item may be whole although its last answer was lost.
  public var mayHaveWorked: Set<String> {
    ["firehose.silent", "firehose.link-lost", "firehose.bad-answer", "firehose.differs"]
  }

  /// Boot ROMs that ask for a programmer, and programmers.
  public func owns(_ loader: Loader) -> Bool {
    switch loader {
    case .sahara, .firehose: true
    default: false
    }
  }

  /// Folders with `rawprogram*.xml`.
  public func takes(_ image: FirmwareImage) -> Bool { image.format == .qualcommRawProgram }

  /// Listens first, because a boot ROM greets once; then AT, Sahara and Firehose in this order,
  /// each with a question that changes nothing.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    let heard = try await Self.listen(link, within: .milliseconds(300))
    if heard.starts(with: [1, 0, 0, 0, 0x30, 0, 0, 0]) {
      return .waiting(.sahara(greeting: heard))
    }
    if heard.starts(with: Array("<?xml".utf8)) { return .waiting(.firehose) }
    if try await ATSession.answers(over: link) { return .normal }
    do throws(SaharaError) {
      let sahara = SaharaSession(link)
      try await sahara.beginAnew()
      _ = try await sahara.hello()
      try await sahara.beginAnew()
      return .waiting(.sahara(greeting: []))
    } catch .link(_, let error) {
      throw error
    } catch {
      return try await FirehoseSession.answers(over: link) ? .waiting(.firehose) : .silent
    }
  }

  private static func listen(_ link: any ByteLink, within limit: Duration)
    async throws(LinkError) -> [UInt8]
  {
    var heard: [UInt8] = []
    let end = link.now + limit
    // A greeting has 48 bytes; what is longer is something else.
    while heard.count < 48, link.now < end {
      do throws(LinkError) { heard += try await link.receive(within: end - link.now) } catch {
        guard error == .silent else { throw error }
        break
      }
    }
    return heard
  }

  /// Serial number, hardware and key, as far as the boot ROM tells; a programmer tells nothing.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  {
    var report = DeviceReport.qualcommLoader(of: vendor)
    guard case .sahara(let greeting) = loader else { return report }
    do throws(SaharaError) {
      let chip = try await QualcommChip.ask(SaharaSession(link, received: greeting))
      chip?.tell(&report)
    } catch .link(_, let error) {
      throw error.trouble
    } catch {
      report.evidence = "the boot ROM answers no questions"
    }
    return report
  }

  /// Nothing in a package names a model; what can be compared before the boot ROM is asked is
  /// little, and said so.
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    guard let package = image.rawProgram else { throw QualcommMismatch.noPackage }
    let isOther =
      report.vendor == "sierra" || (report.vendor == "huawei" && report.world != .qualcomm)
    if isOther {
      throw QualcommMismatch.wrongVendor(report)
    }
    if state.isWaiting, !policy.forced.contains(.productUnknown) {
      throw QualcommMismatch.inDownload
    }
    if let chip = QualcommChip(report) { try chip.check(package.programmer) }
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.items = image.segments.map {
      PlannedItem(id: $0.id, name: $0.name, bytes: $0.size)
    }
    judgement.cannotBackUp = ["the firmware now on the stick (it is compared, not saved)"]
    judgement.overheadSeconds = 120
    judgement.bytesPerSecond = 1_048_576
    judgement.inferences = Self.inferences(
      package, QualcommChip(report), entering: state == .normal)
    return judgement
  }

  /// Docs/Protocols/firehose.md section 6 says where each stands.
  private static func inferences(
    _ package: RawProgramPackage, _ chip: QualcommChip?, entering: Bool
  ) -> [String] {
    var words = [
      "that the package is for this model: nothing in it says so, and keys tell the chip's owner"
        + " only",
      "that what the programmer reads begins right behind its answer",
      "that these steps, each read in other programs, make a whole update in this order, the boot"
        + " chain last",
    ]
    if entering { words.append("that DIAG command 3A leads this stick into Sahara") }
    words.append(
      package.storage == .nand
        ? "that a sector of NAND flash is one page"
        : "that sectors of \(package.sectorSize) bytes mean \(package.storage.rawValue)")
    if !package.programmer.certificates.isEmpty {
      words.append("that the chip knows its signer by the SHA of the last certificate")
    }
    if package.programmer.hardware != nil {
      words.append("that the upper half of a hardware id is the chip, in ROM and certificate alike")
    }
    if chip?.isFused != true {
      words.append("that a chip whose key hash is zero takes a programmer of any signer")
    }
    return words
  }

  /// Into Sahara where that is still to be done, the programmer, then every image that differs.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    try await QualcommFirehoseRoute(bus: bus, witness: watched).flash(job, over: link)
  }

  /// Lets the boot ROM, or the programmer, restart the stick.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    switch loader {
    case .sahara:
      do throws(SaharaError) { try await SaharaSession(link).reset() } catch { throw error.trouble }
    default:
      do throws(FirehoseError) { try await FirehoseSession(link).reset() } catch {
        throw error.trouble
      }
    }
  }

  /// Connection profiles, which every firmware tells alike.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    let asker = Asker(session)
    var settings = DeviceSettings()
    settings.profiles = try await asker.profiles()
    settings.pinState = try await asker.pinState()
    return settings
  }

  /// Writes back the connection profiles that differ.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  {
    var result = SettingsRestoration()
    guard let present = try await self.settings(over: session) else { return result }
    try await PacketProfiles.restore(settings, present: present, over: session, &result)
    if settings.network != nil { result.leftOut.append("network mode: it is the maker's own") }
    return result
  }
}
