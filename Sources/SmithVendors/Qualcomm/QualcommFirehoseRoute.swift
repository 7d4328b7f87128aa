import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols

/// DIAG, Sahara, the programmer, then image by image (Docs/Protocols/firehose.md section 6).
struct QualcommFirehoseRoute {
  private let bus: any Bus
  private let witness: any FlashWitness

  init(bus: any Bus, witness: any FlashWitness) {
    self.bus = bus
    self.witness = witness
  }

  /// Does the whole job up to the restart.
  func flash(_ job: FlashJob, over link: any ByteLink) async throws(Trouble) {
    guard let package = job.image.rawProgram else {
      await link.close()
      throw QualcommMismatch.noPackage
    }
    var link = link
    var state = job.state
    if state == .normal {
      await link.close()
      (link, state) = try await enter(job.place)
    }
    do throws(Trouble) {
      if case .waiting(.sahara(let greeting)) = state {
        try await upload(package.programmer, over: link, greeting)
      }
      let session = FirehoseSession(link)
      try await prepare(session, package)
      try await witness.didEnter(product: nil)
      for index in package.writes.indices {
        try await write(index, of: job.image, package, session)
      }
      try await witness.willLeave()
      do throws(FirehoseError) { try await session.reset() } catch { throw error.trouble }
    } catch {
      await link.close()
      throw error
    }
    await link.close()
  }

  // MARK: Into the boot ROM

  /// DIAG 3A touches memory only; a replug brings the stick back.
  private func enter(_ place: Place) async throws(Trouble) -> (any ByteLink, StickState) {
    let ports = (try? await bus.ports()) ?? []
    guard let port = ports.first(where: { $0.place == place && $0.role == .diag }) else {
      throw QualcommMismatch.noDiag
    }
    let diag: any ByteLink
    do throws(LinkError) { diag = try await bus.open(port) } catch { throw error.trouble }
    do throws(Trouble) {
      let session = DiagSession(diag)
      let version: DiagVersion
      do throws(DiagError) { version = try await session.version() } catch { throw error.trouble }
      if let chip = version.chipName, Self.oldChips.contains(chip) {
        throw QualcommMismatch.dloadChip(chip)
      }
      if await witness.recognises(await session.identity()) == false {
        throw Trouble.diagOfAnother()
      }
      try await witness.willEnter()
      do throws(DiagError) { try await session.enterDownload() } catch { throw error.trouble }
    } catch {
      await diag.close()
      throw error
    }
    await diag.close()
    return try await waiting(place)
  }

  /// Chips whose boot ROM is known to speak DLOAD (Docs/Protocols/diag.md section 2).
  private static let oldChips: Set<String> = ["MDM8200", "MDM9x00", "MDM6800", "MSM6246"]

  private func waiting(_ place: Place) async throws(Trouble) -> (any ByteLink, StickState) {
    let end = bus.now + .seconds(60)
    var failure = BusError.absent(place, .download).trouble
    while bus.now < end {
      guard
        let port = try? await bus.port(at: place, as: .download, within: end - bus.now),
        let link = try? await bus.open(port)
      else {
        await bus.pause(.milliseconds(200))
        continue
      }
      if let state = try? await QualcommFirehose().state(over: link), state.isWaiting {
        return (link, state)
      }
      failure = QualcommMismatch.strangeMode
      if case .download? = try? await QualcommPhase.probe(link) {
        try? await DLOADSession(link).reset()
        await link.close()
        throw QualcommMismatch.dloadChip("which answered in DLOAD")
      }
      await link.close()
      await bus.pause(.milliseconds(500))
    }
    throw failure
  }

  // MARK: The programmer

  /// Compares keys where both sides tell them, then gives the ROM its programmer; RAM only.
  private func upload(
    _ programmer: QualcommProgrammer, over link: any ByteLink, _ greeting: [UInt8]
  ) async throws(Trouble) {
    let session = SaharaSession(link, received: greeting)
    let chip: QualcommChip?
    do throws(SaharaError) { chip = try await QualcommChip.ask(session) } catch {
      throw error.trouble
    }
    if let chip { try chip.check(programmer) }
    await witness.note("Giving the boot ROM the programmer \(programmer.name)")
    do throws(SaharaError) {
      try await session.upload { id in id == 0x0d ? programmer.bytes : nil }
    } catch {
      throw error.trouble
    }
    await link.pause(.seconds(1))
  }

  /// Payload, the stick's own table, and every place, before the first door.
  private func prepare(_ session: FirehoseSession, _ package: RawProgramPackage)
    async throws(Trouble)
  {
    do throws(FirehoseError) {
      try await configure(session, package.storage)
      let map = try await session.learnMap(
        sectorSize: package.sectorSize, pagesPerBlock: package.pagesPerBlock,
        parts: Set(package.writes.map(\.entry.physicalPartition)))
      for place in package.layout where !map.places.contains(where: { $0.agrees(with: place) }) {
        throw .protectedPlace("the stick has no \(place.name) where the package has it")
      }
      for write in package.writes {
        try session.check(write.entry, size: Int(write.sectors) * package.sectorSize)
      }
    } catch {
      throw error.trouble
    }
  }

  /// Asking for a payload size changes nothing, so a lost answer means asking again.
  private func configure(_ session: FirehoseSession, _ storage: RawProgramPackage.Storage)
    async throws(FirehoseError)
  {
    let memory: FirehoseSession.Memory =
      switch storage {
      case .nand: .nand
      case .emmc: .emmc
      case .ufs: .ufs
      }
    for attempt in 0..<3 {
      do throws(FirehoseError) {
        try await session.configure(memory)
        return
      } catch {
        guard case .silent = error, attempt < 2 else { throw error }
      }
    }
  }

  // MARK: Images

  /// What the stick holds already is left alone; what is written is read back.
  private func write(
    _ index: Int, of image: FirmwareImage, _ package: RawProgramPackage,
    _ session: FirehoseSession
  ) async throws(Trouble) {
    let write = package.writes[index]
    let segment = image.segments[index]
    if try await holds(segment, write, session) {
      await witness.note("\(segment.name) is on the stick already")
      await witness.wrote(segment.size, of: index)
    } else {
      try await witness.willWrite(item: index)
      let source = QualcommSource(segment)
      let witness = witness
      do throws(FirehoseError) {
        try await session.program(write.entry, size: segment.size, next: source.next) { sent in
          await witness.wrote(sent, of: index)
        }
      } catch { throw error.trouble }
      guard try await holds(segment, write, session) else {
        throw FirehoseError.differs(segment.name).trouble
      }
    }
    try await witness.didWrite(item: index)
  }

  private func holds(
    _ segment: Segment, _ write: RawProgramPackage.Write, _ session: FirehoseSession
  ) async throws(Trouble) -> Bool {
    let source = QualcommSource(segment)
    do throws(FirehoseError) {
      return try await session.holds(
        write.entry, first: write.first, size: segment.size, next: source.next)
    } catch { throw error.trouble }
  }
}

/// Hands a segment out piece by piece, as far as it is what was checked.
final class QualcommSource {
  private let bytes: SharedBytes
  private var position = 0

  init(_ segment: Segment) {
    bytes = segment.stored
  }

  /// At most `count` bytes; empty at the end.
  func next(_ count: Int) -> [UInt8] {
    let piece = bytes.intact(position..<min(position + count, bytes.count))
    position += piece.count
    // What was not checked is not sent; the session then says that the image ended.
    return bytes.hasChanged ? [] : piece
  }
}

extension StoragePlace {
  /// Whether the stick's table has this partition, or as much of it as the chip has room for.
  fileprivate func agrees(with other: StoragePlace) -> Bool {
    isNamed(other.name) && physicalPartition == other.physicalPartition
      && sectors.lowerBound == other.sectors.lowerBound
      && (sectors.upperBound == other.sectors.upperBound || other.sectors.upperBound == 1 << 40)
  }
}

extension QualcommMismatch {
  static let strangeMode = Trouble(
    "stick.wrong-mode", "The stick left its firmware and speaks neither Sahara nor Firehose.",
    advice: ["Unplug it, wait ten seconds and plug it in: it still has its firmware."],
    aftermath: .stillBoots, exitCode: .stillWorks)
}
