import SmithBytes
public import SmithLink
public import SmithModel

/// The firmware's answer to the version question (Docs/Protocols/diag.md section 2).
public struct DiagVersion: Equatable, Sendable {
  /// Date and time of compilation, as written by the firmware.
  public var compiled: String
  /// Date and time of release.
  public var released: String
  /// Short model text.
  public var model: String
  /// Chip code; which chip it means is in Docs/Protocols/diag.md section 2.
  public var chip: UInt16

  /// Name of the chip family where the code is published.
  public var chipName: String? {
    switch chip {
    case 0x04e0: "MDM8200"
    case 0x03f1, 0x0460: "MDM9x00"
    case 0x06f0, 0x0740: "MDM9x15"
    case 0x07f1: "MDM9x25"
    case 0x0922: "MDM9x3x"
    case 0x0950, 0x0951: "MDM9x4x"
    case 0x0490: "MDM6800"
    case 0x0120: "MSM6246"
    default: nil
    }
  }
}

/// The firmware's build (Docs/Protocols/diag.md section 2).
public struct DiagBuild: Equatable, Sendable {
  /// Chip number.
  public var chip: UInt32
  /// Mobile model number.
  public var mobileModel: UInt32
  /// Build id.
  public var build: String
  /// Model text.
  public var model: String
}

/// Qualcomm's diagnostic protocol of a running firmware (Docs/Protocols/diag.md).
///
/// Reads; the only write is ``restore(_:items:)``, which gives a stick a few harmless settings of
/// its own back. There is no way to write identity, calibration, locks or files through this type,
/// and none to send the service code.
public final class DiagSession {
  let line: FramedLine
  private let answerLimit = Duration.seconds(1)

  /// Speaks over `link`, which must lead to the diagnostic port.
  public init(_ link: any ByteLink) {
    line = FramedLine(link, openingFlag: false)
  }

  /// Version of the firmware; also how a diagnostic port is recognised.
  public func version() async throws(DiagError) -> DiagVersion {
    let body = try await ask([0], "version", least: 55)
    func text(_ from: Int, _ count: Int) -> String {
      String(printable: Array(body[from..<(from + count)]))
    }
    return DiagVersion(
      compiled: text(1, 11) + " " + text(12, 8), released: text(20, 11) + " " + text(31, 8),
      model: text(39, 8), chip: UInt16(body[53]) << 8 | UInt16(body[54]))
  }

  /// Build id of the firmware.
  public func build() async throws(DiagError) -> DiagBuild {
    let body = try await ask([0x7c], "build", least: 14)
    var reader = ByteReader(SharedBytes(body), at: 5)
    let chip = reader.little(UInt32.self) ?? 0
    let mobile = reader.little(UInt32.self) ?? 0
    let texts = body.dropFirst(13).split(separator: 0, omittingEmptySubsequences: false)
    return DiagBuild(
      chip: chip, mobileModel: mobile, build: String(printable: Array(texts.first ?? [])),
      model: String(printable: texts.count > 1 ? Array(texts[1]) : []))
  }

  /// Reads one numbered setting; the full request, as strict firmwares want it.
  public func readItem(_ number: UInt16) async throws(DiagError) -> NVItem {
    let (data, status) = try await item(0x26, number, [UInt8](repeating: 0, count: 128))
    switch status {
    case 0: return NVItem(number: number, data: data)
    case 5: return NVItem(number: number, data: nil)
    default: throw .itemStatus(item: number, status: status)
    }
  }

  /// The identity number that item 550 holds; nil if it holds none, or is kept back.
  public func identity() async -> IMEI? {
    guard let data = try? await readItem(NVItems.identity).data else { return nil }
    return NVItems.identity(in: data)
  }

  /// Reads settings for a backup; items that this firmware does not know are left out.
  public func backup(items numbers: [UInt16], progress: (Int) -> Void = { _ in })
    async throws(DiagError) -> NVBackup
  {
    let unit = try await unitMark()
    var items: [UInt16: [UInt8]] = [:]
    for (index, number) in numbers.enumerated() {
      do throws(DiagError) {
        items[number] = try await readItem(number).data
      } catch .itemStatus {
        items[number] = nil
      } catch .refused {
        items[number] = nil
      } catch {
        throw error
      }
      progress(index + 1)
    }
    return NVBackup(unit: unit, items: items)
  }

  /// Gives settings of this very stick back to it: only items of ``NVItems/restorable``, only if
  /// the stick's identity equals the backup's, and only where they differ. All items are checked
  /// before the first is written.
  ///
  /// - Returns: the numbers of the items that were written.
  public func restore(_ backup: NVBackup, items numbers: [UInt16])
    async throws(DiagError) -> [UInt16]
  {
    for number in numbers {
      let allowed = NVItems.restorable.contains(number) && !NVItems.isForbidden(number)
      if !allowed { throw .forbiddenItem(number) }
    }
    guard !backup.unit.isEmpty, try await unitMark() == backup.unit else { throw .foreignBackup }
    var written: [UInt16] = []
    for number in numbers {
      guard let data = backup.items[number], data.count == 128 else { continue }
      if try await readItem(number).data == data { continue }
      let (_, status) = try await item(0x27, number, data)
      if status != 0 { throw .itemStatus(item: number, status: status) }
      // A good status proves nothing by itself.
      guard try await readItem(number).data == data else {
        throw .itemStatus(item: number, status: 4)
      }
      written.append(number)
    }
    return written
  }

  /// Sends the stick to download mode: it leaves the bus and comes back (up to 15 seconds). An
  /// echo, silence and a vanishing port are all usual.
  public func enterDownload() async throws(DiagError) {
    try await farewell([0x3a], "switch to download")
  }

  /// What tells this stick from all others: the content of item 550. A stick that lost its
  /// identity has none, and no backup can be matched to it.
  private func unitMark() async throws(DiagError) -> [UInt8] {
    guard let data = try await readItem(NVItems.identity).data, data[0] == 8,
      data[1...8].contains(where: { $0 != 0 })
    else { throw .foreignBackup }
    return Array(data[0..<9])
  }

  private func item(_ command: UInt8, _ number: UInt16, _ data: [UInt8])
    async throws(DiagError) -> (data: [UInt8], status: UInt16)
  {
    var body = [command]
    body.append(little: number)
    body += data
    body.append(little: UInt16(0))
    let step = "item \(number)"
    let reply = try await ask(body, step, least: 133, echo: 3)
    return (Array(reply[3..<131]), UInt16(reply[131]) | UInt16(reply[132]) << 8)
  }
}

// MARK: - One question, one answer

extension DiagSession {
  /// Asks up to three times; every question of this type may be repeated. The first `echo` bytes
  /// of the answer must equal the question's.
  func ask(_ body: [UInt8], _ step: String, least: Int, echo: Int = 1, tries: Int = 3)
    async throws(DiagError) -> [UInt8]
  {
    for attempt in 0..<tries {
      try await begin(body, step, quiet: attempt == 0 ? .zero : .milliseconds(50))
      let deadline = line.link.now + answerLimit
      while let reply = try await next(step, deadline) {
        if reply.starts(with: body.prefix(echo)) {
          guard reply.count >= least else { throw .unexpected(step: step) }
          return reply
        }
        let errors: [UInt8] = [0x13, 0x14, 0x15, 0x16, 0x18, 0x42, 0x47]
        // An error frame carries the question, so that a stale one is told apart.
        if errors.contains(reply[0]), reply.dropFirst().starts(with: body.prefix(echo)) {
          throw .refused(step: step, code: reply[0])
        }
      }
    }
    throw .silent(step: step)
  }

  private func farewell(_ body: [UInt8], _ step: String) async throws(DiagError) {
    do throws(DiagError) {
      _ = try await ask(body, step, least: 1, tries: 1)
    } catch .silent {
      return
    } catch .link(_, .gone) {
      return
    } catch {
      throw error
    }
  }

  private func begin(_ body: [UInt8], _ step: String, quiet: Duration) async throws(DiagError) {
    if let reason = DiagGuard.refusal(of: body) {
      throw .forbiddenCommand(step: step, reason: reason)
    }
    do throws(LinkError) {
      try await line.settle(quiet)
      try await line.send(body)
    } catch {
      throw .link(step: step, error)
    }
  }

  private func next(_ step: String, _ deadline: Duration) async throws(DiagError) -> [UInt8]? {
    do throws(LinkError) {
      return try await line.next(until: deadline)
    } catch {
      throw .link(step: step, error)
    }
  }
}
