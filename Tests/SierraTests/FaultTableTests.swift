import Foundation
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// A bus on which everything lasts a fraction of what its user asks for: for real ports behind
/// which a simulated stick lives as much faster.
struct FastBus: Bus {
  let inner: any Bus
  let factor: Int

  var now: Duration { inner.now * factor }
  func ports() async throws(BusError) -> [SmithLink.Port] { try await inner.ports() }
  func port(at place: Place, as role: PortRole, within limit: Duration) async throws(BusError)
    -> SmithLink.Port
  { try await inner.port(at: place, as: role, within: limit / factor) }
  func open(_ port: SmithLink.Port) async throws(LinkError) -> any ByteLink {
    FastLink(try await inner.open(port), factor)
  }
  func pause(_ duration: Duration) async { await inner.pause(duration / factor) }
}

private final class FastLink: ByteLink {
  private let inner: any ByteLink
  private let factor: Int

  init(_ inner: any ByteLink, _ factor: Int) {
    self.inner = inner
    self.factor = factor
  }

  var now: Duration { inner.now * factor }
  func send(_ bytes: [UInt8]) async throws(LinkError) { try await inner.send(bytes) }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    try await inner.receive(within: limit / factor)
  }
  func pause(_ duration: Duration) async { await inner.pause(duration / factor) }
  func close() async { await inner.close() }
}

/// A stick somewhere: on a virtual cable, or behind a PTY.
private struct Stage: Sendable {
  var bus: any Bus
  var place: Place
  var stick: @Sendable () -> FaultyStick
}

@Suite("The 25 fault cases") struct FaultTableTests {
  private static let new = "03.05.29.03"

  private func stick(_ row: FaultCase) -> FaultyStick {
    var timing = SierraTiming()
    (timing.toBoot, timing.toApp, timing.flash) = (.milliseconds(500), .seconds(2), .seconds(1))
    return FaultyStick(
      SierraStick(.mc7700, quirks: row.quirks, timing: timing), faults: row.faults)
  }

  /// Reads the file as `update` does; what is wrong with it ends the case here.
  private func image(_ row: FaultCase) throws(Trouble) -> CheckedImage {
    var sample = SierraSample(product: "9200", family: "SWI9200X", version: Self.new)
    sample.bytes = 16_384
    let bytes = row.damage(sample.firmware() ?? [])
    do {
      let tree = try SierraImage.read(SharedBytes(bytes))
      return CheckedImage(image: FirmwareImage([tree]), path: "/f.cwe", sha256: row.name)
    } catch { throw error.trouble }
  }

  private func updater(_ stage: Stage, _ journal: MemoryJournal, _ backups: BackupStore) -> Updater
  {
    Updater(
      bus: stage.bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: backups, tool: "table"))
  }

  /// Runs one case to its end and compares what the owner is told with what is in the stick.
  private func play(_ row: FaultCase, on stage: Stage) async throws {
    let old = stage.stick().inner.flash.application
    let image: CheckedImage
    do throws(Trouble) { image = try self.image(row) } catch {
      #expect(error.code == row.code)
      #expect(error.exitCode == .badFile)
      #expect(stage.stick().sent.isEmpty && row.verdict == .unchanged)
      return
    }
    _ = try await stage.bus.port(at: stage.place, as: .at, within: .seconds(24_000))
    let journal = MemoryJournal()
    let backups = BackupStore.memory()
    let first = await updater(stage, journal, backups).update(
      image, at: stage.place, policy: Policy())
    let told = "\(first.verdict) \(first.trouble.map { "\($0)" } ?? "")"
    #expect(first.verdict == row.verdict, "\(told)")
    #expect(first.trouble?.code == row.code, "\(told)")
    let now = stage.stick().inner.flash.application
    switch first.verdict {
    case .updated: #expect(now == "\(Self.new)AP" || now == Self.new)
    case .failedStillWorks, .unchanged: #expect(now == old)
    case .needsRescue: #expect(now == nil)
    case .unknown: break
    }
    if row.verdict == .unchanged { #expect(stage.stick().sent.isEmpty) }
    guard row.second else { return }
    let last = await again(first, image, stage, journal, backups)
    #expect(last.verdict == .updated, "\(last.trouble.map { "\($0)" } ?? "")")
    #expect(stage.stick().inner.flash.application?.hasPrefix(Self.new) == true)
  }

  /// What the owner is told to do next: `resume` for a stick that does not work, `update` else.
  private func again(
    _ first: UpdateReport, _ image: CheckedImage, _ stage: Stage, _ journal: MemoryJournal,
    _ backups: BackupStore
  ) async -> UpdateReport {
    guard first.verdict == .needsRescue, case .planned(let header)? = journal.records.first else {
      return await updater(stage, MemoryJournal(), backups).update(
        image, at: stage.place, policy: Policy())
    }
    let later = MemoryJournal(journal.records)
    return await updater(stage, later, backups).resume(
      image, header, journal.records, journal: later, policy: Policy())
  }

  @Test("are as many as in the table") func count() { #expect(FaultCase.all.count == 25) }

  @Test("end truly in virtual time", arguments: FaultCase.all) func virtual(row: FaultCase)
    async throws
  {
    let bus = VirtualBus(stick(row))
    try await play(row, on: Stage(bus: bus, place: bus.place) { bus.body })
  }

  @Test("end truly over a pseudo-terminal", arguments: FaultCase.all) func terminal(row: FaultCase)
    async throws
  {
    let folder = NSTemporaryDirectory() + "/smith-table-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Fast enough to be run always, slow enough for a machine that does other things, too.
    // A window of seconds stays one: a tenth of it may be missed by a busy machine.
    let factor = row.quirks.bootHold != nil ? 1 : row.quirks.staysInBoot ? 40 : 10
    let server = PTYServer(stick(row), link: "\(folder)/stick", speed: Double(factor))
    let running = Task { try await server.run() }
    defer { server.stop() }
    let bus = NamedPortBus(port: "\(folder)/stick", lockDirectory: nil)
    let stage = Stage(bus: FastBus(inner: bus, factor: factor), place: bus.place) {
      server.change { body, _ in body }
    }
    try await play(row, on: stage)
    server.stop()
    try await running.value
  }
}
