import SmithAT
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols

/// Boot and hold, then the images over QDL (Docs/Protocols/sierra-qdl.md section 6), or the one
/// image over HIP (Docs/Protocols/sierra-hip.md section 3).
struct SierraRoute {
  private let bus: any Bus
  private let witness: any FlashWitness

  /// How long a stick may take from boot and hold to its download port.
  static var returnLimit: Duration { .seconds(120) }

  init(bus: any Bus, witness: any FlashWitness) {
    self.bus = bus
    self.witness = witness
  }

  /// Does the whole job up to the reset. The one-way door of an image is its last chunk: until
  /// then the loader keeps everything in memory.
  func flash(_ job: FlashJob, over link: any ByteLink) async throws(Trouble) {
    let isHIP = SierraHIPRules.apply(to: job.report, job.state)
    let images = try Self.images(of: job)
    var link = link
    if job.state == .normal {
      try await enter(over: link)
      // The loader's window may be seconds long: the first bytes are the download's own.
      link = try await bus.openDownload(at: job.place, within: Self.returnLimit)
    }
    do throws(Trouble) {
      try await witness.didEnter(product: nil)
      if isHIP {
        try await write(job.image, overHIP: link)
      } else {
        try await write(images, over: link)
      }
    } catch {
      await link.close()
      throw error
    }
    await link.close()
  }

  private static func images(of job: FlashJob) throws(Trouble) -> [QDLImage] {
    try job.image.segments.map { segment throws(Trouble) in
      // The ids of a Gobi package are the types that the loader wants to hear.
      let type =
        job.image.format == .gobi2000
        ? UInt8(exactly: segment.id).flatMap { QDLImage.Kind(rawValue: $0) } : .cwe
      guard
        let image = type.flatMap({ QDLImage(name: segment.name, type: $0, file: segment.stored) })
      else {
        throw QDLError.badPlan("\(segment.name) is empty").trouble
      }
      return image
    }
  }

  private func write(_ images: [QDLImage], over link: any ByteLink) async throws(Trouble) {
    let watcher = Watcher(witness, count: images.count)
    do {
      _ = try await SierraQDL.download(images, over: link) { progress throws(Trouble) in
        try await watcher.hear(progress)
      }
    } catch {
      throw error.trouble
    }
  }

  /// The door is before the first byte: that nothing is written until the request to program is
  /// an inference.
  private func write(_ image: FirmwareImage, overHIP link: any ByteLink) async throws(Trouble) {
    guard let file = image.segments.first?.stored else {
      throw HIPError.badPlan("no image").trouble
    }
    let witness = witness
    var isBegun = false
    do {
      try await SierraHIP.download(file, over: link) { progress throws(Trouble) in
        if !isBegun { try await witness.willWrite(item: 0) }
        isBegun = true
        await witness.wrote(max(0, progress.sent - SierraHeader.size), of: 0)
        guard progress.isDone else { return }
        try await witness.didWrite(item: 0)
        try await witness.willLeave()
      }
    } catch { throw error.trouble }
  }

  /// Turns what QDL tells into the engine's steps.
  private final class Watcher {
    private let witness: any FlashWitness
    private let count: Int
    /// Images whose door was announced.
    private var begun: Set<Int> = []

    init(_ witness: any FlashWitness, count: Int) {
      self.witness = witness
      self.count = count
    }

    func hear(_ progress: QDLProgress) async throws(Trouble) {
      if progress.isFlashing, begun.insert(progress.image).inserted {
        try await witness.willWrite(item: progress.image)
      }
      await witness.wrote(progress.sent, of: progress.image)
      guard progress.isDone else { return }
      try await witness.didWrite(item: progress.image)
      if progress.image == count - 1 { try await witness.willLeave() }
    }
  }

  /// `AT!BOOTHOLD`; its OK may be lost with the port.
  private func enter(over link: any ByteLink) async throws(Trouble) {
    do throws(Trouble) {
      try await witness.willEnter()
      let session = ATSession(link: link)
      if try await refuses(session) {
        // Some firmwares want the documented password first.
        _ = try? await session.send("AT!ENTERCND=\"A710\"")
        if try await refuses(session) { throw Self.noBootHold }
      }
    } catch {
      await link.close()
      throw error
    }
    await leaveBus(link)
    await link.close()
  }

  private func refuses(_ session: ATSession) async throws(Trouble) -> Bool {
    do {
      return try await !session.send("AT!BOOTHOLD").isOK
    } catch .silent, .unfinished, .link(.gone) {
      return false
    } catch { throw error.trouble }
  }

  /// Waits until the port vanishes; one that stays is found out by the next probe.
  private func leaveBus(_ link: any ByteLink) async {
    let end = bus.now + .seconds(10)
    while bus.now < end {
      do { _ = try await link.receive(within: .milliseconds(200)) } catch .silent {
        continue
      } catch { return }
    }
  }

  private static let noBootHold = Trouble(
    "preflight.no-download-mode", "The stick refuses to go into its boot loader (AT!BOOTHOLD).",
    facts: ["engineering firmwares do not know the command"],
    advice: ["Unplug the stick and plug it in again: it still has its firmware."],
    aftermath: .stillBoots, exitCode: .refused)
}
