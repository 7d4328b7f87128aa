import SmithBytes
public import SmithLink
public import SmithModel
import SmithProtocols

/// Which settings of a backup would go back over DIAG, decided before anything is written.
public struct DiagRestorePlan: Sendable, Equatable {
  /// One setting that differs.
  public struct Change: Sendable, Equatable {
    /// Its number.
    public var number: UInt16
    /// The field's name.
    public var name: String
    /// First bytes that the stick has now, hexadecimal; nil if it was never written.
    public var now: String?
    /// First bytes of the backup.
    public var saved: String
  }

  /// What would be written.
  public var changes: [Change] = []
  /// What the backup holds and nothing writes, in words.
  public var refused: [String] = []
}

/// Gives a stick the harmless settings of its own backup back over DIAG
/// (Docs/Protocols/diag.md section 4): identity, locks and calibration have no way in.
public enum DiagRestore {
  /// Compares a backup with the stick; writes nothing.
  ///
  /// - Throws: `diag.foreign-backup` if the stick is not the one of the backup, or does not say
  ///   who it is.
  public static func plan(_ saved: Backup, over link: any ByteLink) async throws(Trouble)
    -> DiagRestorePlan
  {
    var plan = DiagRestorePlan()
    let session = DiagSession(link)
    do throws(DiagError) {
      _ = try await unit(of: saved, session)
      for (number, hex) in numbers(saved) {
        let name = NVItems.name(number) ?? "unnamed"
        guard NVItems.restorable.contains(number) else {
          plan.refused.append(
            NVItems.isForbidden(number)
              ? "setting \(number) (\(name)): identity, lock or calibration"
              : "setting \(number) (\(name)): not known to be harmless")
          continue
        }
        guard let data = [UInt8](hex: hex), data.count == 128 else {
          plan.refused.append("setting \(number) (\(name)): damaged in the backup")
          continue
        }
        let now = try await session.readItem(number).data
        if now == data { continue }
        let from = now.map { difference($0, data) } ?? 0
        plan.changes.append(
          .init(
            number: number, name: name, now: now.map { shown($0, from) },
            saved: shown(data, from)))
      }
    } catch { throw error.trouble }
    return plan
  }

  /// Writes what the plan shows, to the same unit only; each setting is read back.
  ///
  /// - Returns: the numbers that were written.
  /// - Throws: a trouble; a setting is then as it was or as the backup has it, never between.
  public static func write(
    _ plan: DiagRestorePlan, from saved: Backup, over link: any ByteLink,
    _ consent: consuming Consent
  ) async throws(Trouble) -> [UInt16] {
    let session = DiagSession(link)
    let wanted = Set(plan.changes.map(\.number))
    var items: [UInt16: [UInt8]] = [:]
    for (number, hex) in numbers(saved) where wanted.contains(number) {
      items[number] = [UInt8](hex: hex)
    }
    do throws(DiagError) {
      let backup = NVBackup(unit: try await unit(of: saved, session), items: items)
      return try await session.restore(backup, items: wanted.sorted())
    } catch { throw error.trouble }
  }

  /// The mark of this very stick, if it is the one of the backup.
  private static func unit(of saved: Backup, _ session: DiagSession) async throws(DiagError)
    -> [UInt8]
  {
    guard let data = try await session.readItem(NVItems.identity).data,
      let identity = NVItems.identity(in: data), identity.unitHash == saved.identity
    else { throw .foreignBackup }
    return Array(data[0..<9])
  }

  private static func numbers(_ saved: Backup) -> [(UInt16, String)] {
    (saved.diagItems ?? [:]).compactMap { key, hex in UInt16(key).map { ($0, hex) } }
      .sorted { $0.0 < $1.0 }
  }

  private static func difference(_ now: [UInt8], _ saved: [UInt8]) -> Int {
    zip(now, saved).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
  }

  /// Four bytes are enough to see what changes.
  private static func shown(_ data: [UInt8], _ from: Int) -> String {
    let start = from / 4 * 4
    return "\(Array(data[start..<min(start + 4, data.count)]).hex) at \(start)"
  }
}
