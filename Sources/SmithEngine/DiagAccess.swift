public import SmithLink
public import SmithModel
public import SmithVendors

/// The diagnostic port of a stick, where it shows one.
public enum DiagAccess {
  /// Opens it; nil if the stick shows none, or it cannot be had.
  public static func open(_ place: Place, on bus: any Bus) async -> (any ByteLink)? {
    guard let ports = try? await bus.ports(),
      let port = ports.first(where: { $0.place == place && $0.role == .diag })
    else { return nil }
    return try? await bus.open(port)
  }

  /// Whether a stick's diagnostic port may be asked: Huawei's Balong sticks speak another
  /// language there.
  public static func isQualcomm(_ report: DeviceReport) -> Bool {
    report.vendor != "huawei" || report.world == .qualcomm
  }

  /// Who a stick is of which only the diagnostic port answers.
  ///
  /// - Returns: nil if it shows no such port.
  /// - Throws: `diag.silent` and its like.
  public static func look(at place: Place, on bus: any Bus) async throws(Trouble) -> Subject? {
    guard let link = await open(place, on: bus) else { return nil }
    do throws(Trouble) {
      let subject = try await look(over: link, at: place, on: bus)
      await link.close()
      return subject
    } catch {
      await link.close()
      throw error
    }
  }

  /// The same over a link that is open.
  public static func look(over link: any ByteLink, at place: Place, on bus: any Bus)
    async throws(Trouble) -> Subject
  {
    let reader = try await DiagReader(link)
    let facts = reader.facts
    var report = DeviceReport()
    report.model = facts.model.isEmpty ? nil : facts.model
    report.chipset = facts.chipName.map { "Qualcomm \($0)" } ?? "Qualcomm, code \(facts.chip)"
    report.compileDate = facts.compiled
    report.revision = facts.build
    report.imei = await reader.identity()
    report.world = .qualcomm
    report.worldEvidence = ["its diagnostic port answers as Qualcomm's"]
    report.evidence = "only the diagnostic port answers; AT would tell more"
    let vendors: [UInt16: String] = [
      0x12d1: "huawei", 0x19d2: "zte", 0x1bbb: "alcatel", 0x1199: "sierra",
    ]
    let ports = (try? await bus.ports()) ?? []
    report.vendor = ports.first { $0.place == place }?.id.flatMap { vendors[$0.vendor] }
    return Subject(place: place, state: .diag, report: report)
  }
}
