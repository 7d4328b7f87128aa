import Foundation
import GRDB
public import SmithEngine
public import SmithModel
import SmithVendors

/// Every update of one user: before and after, verdict, durations; in the state directory
/// (Docs/Protocols/library.md section 3).
public final class History: Sendable {
  private let store: Store

  /// One update.
  public struct Run: Sendable, Equatable {
    /// Number in this history; 0 before it is kept.
    public var id = 0
    /// When it began, in ISO 8601.
    public var began: String
    /// Where the stick was.
    public var place: String
    /// Route, as in `huawei-balong`; nil if no plan came about.
    public var route: String?
    /// Vendor of the stick.
    public var vendor: String?
    /// Model of the stick.
    public var model: String?
    /// Hardware text.
    public var hardware: String?
    /// Salted hash of the identity.
    public var unit: String?
    /// Version before.
    public var before: String?
    /// Version after.
    public var after: String?
    /// How it ended.
    public var verdict: Verdict
    /// Code of the trouble, if there was one.
    public var trouble: String?
    /// Path of the file.
    public var file: String
    /// Its SHA-256.
    public var sha256: String
    /// Bytes that the stick acknowledged.
    public var bytes: Int
    /// Seconds in all.
    public var seconds: Double
    /// Path of the journal.
    public var journal: String?
    /// Path of the backup.
    public var backup: String?
    /// Whether it went on with an earlier run.
    public var resumed: Bool
    /// Warnings.
    public var warnings: [String]
    /// Phases in their order, and how long they took.
    public var phases: [PhaseTime]

    /// Puts a report, the file and the measured phases together.
    public init(
      _ report: UpdateReport, file: CheckedImage, place: SmithModel.Place, began: String,
      header: JournalHeader?, phases: [PhaseTime], resumed: Bool
    ) {
      self.began = began
      self.place = place.description
      route = header?.plan.route
      vendor = report.device.vendor ?? header?.plan.vendor
      model = report.device.model ?? header?.plan.model
      hardware = report.device.hardware
      unit = header?.identity
      before = report.before?.text
      after = report.after?.text
      verdict = report.verdict
      trouble = report.trouble?.code
      self.file = file.path
      sha256 = file.sha256
      bytes = report.bytes
      seconds = report.seconds
      journal = report.journal
      backup = report.backup
      self.resumed = resumed
      warnings = report.warnings
      self.phases = phases
    }
  }

  /// Opens the history of a state directory; makes it where there is none.
  ///
  /// - Throws: `library.corrupt`, `library.not-writable`, `library.disk-full`, `library.busy`.
  public init(in state: StateDirectory) throws(Trouble) {
    store = try Store("\(state.path)/history.sqlite", Tables.history)
  }

  /// Whether there is a history; asking makes none.
  public static func exists(in state: StateDirectory) -> Bool {
    FileManager.default.fileExists(atPath: "\(state.path)/history.sqlite")
  }

  /// Keeps a run; it is on the disk when this returns.
  ///
  /// - Returns: its number.
  @discardableResult
  public func keep(_ run: Run) throws(Trouble) -> Int {
    let warnings = (try? JSONEncoder().encode(run.warnings)) ?? Data("[]".utf8)
    return try store.write { database in
      try database.execute(
        sql: """
          INSERT INTO run(began, place, route, vendor, model, hardware, unit, before, after,
            verdict, trouble, file, sha256, bytes, seconds, journal, backup, resumed, warnings)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          run.began, run.place, run.route, run.vendor, run.model, run.hardware, run.unit,
          run.before, run.after, run.verdict.rawValue, run.trouble, run.file, run.sha256,
          run.bytes, run.seconds, run.journal, run.backup, run.resumed,
          String(decoding: warnings, as: UTF8.self),
        ])
      let id = Int(database.lastInsertedRowID)
      for (index, phase) in run.phases.enumerated() {
        try database.execute(
          sql: "INSERT INTO phase(run, position, name, seconds) VALUES (?, ?, ?, ?)",
          arguments: [id, index, phase.phase.rawValue, phase.seconds])
      }
      return id
    }
  }

  /// Runs, oldest first.
  public func runs(limit: Int = 10_000) throws(Trouble) -> [Run] {
    try store.read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT * FROM (SELECT * FROM run ORDER BY id DESC LIMIT ?) ORDER BY id",
        arguments: [limit])
      return try rows.map { try Run($0, database) }
    }
  }

  /// One run.
  ///
  /// - Throws: `history.not-found`.
  public func run(_ id: Int) throws(Trouble) -> Run {
    let found = try store.read { database in
      try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [id])
        .map { try Run($0, database) }
    }
    guard let found else {
      throw Trouble(
        "history.not-found", "There is no update with the number \(id).",
        advice: ["Run `modemsmith history` to see the numbers."], exitCode: .usage)
    }
    return found
  }

  /// How long a plan will take by what was measured on this model, or on this route where the
  /// model is new; nil without a finished update to go by.
  ///
  /// The write goes with the bytes; everything else takes as long as it took: both by the median
  /// of the last twenty updates.
  public func expectedSeconds(of plan: Plan) throws(Trouble) -> Double? {
    for model in [plan.model, nil] {
      let rows = try store.read { database in
        try Row.fetchAll(
          database,
          sql: """
            SELECT run.bytes AS bytes, run.seconds AS seconds,
              (SELECT sum(seconds) FROM phase WHERE phase.run = run.id AND name = 'write') AS wrote
            FROM run WHERE verdict = 'updated' AND resumed = 0 AND bytes > 0 AND route = ?
              AND (? IS NULL OR model = ?) ORDER BY id DESC LIMIT 20
            """, arguments: [plan.route, model, model])
      }
      let samples = rows.compactMap { row -> (rest: Double, rate: Double)? in
        guard let bytes = row.number("bytes"), let all = row.real("seconds"),
          let wrote = row.real("wrote"), wrote > 0, all >= wrote
        else { return nil }
        return (all - wrote, wrote / Double(bytes))
      }
      guard !samples.isEmpty else { continue }
      return Self.median(samples.map(\.rest))
        + Self.median(samples.map(\.rate)) * Double(plan.totalBytes)
    }
    return nil
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    guard sorted.count.isMultiple(of: 2) else { return sorted[middle] }
    return (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// How long one phase of an update took.
public struct PhaseTime: Sendable, Equatable {
  /// Which phase.
  public var phase: Phase
  /// Seconds.
  public var seconds: Double

  /// Gathers the parts.
  public init(_ phase: Phase, _ seconds: Double) {
    self.phase = phase
    self.seconds = seconds
  }
}

extension History.Run {
  init(_ row: Row, _ database: Database) throws {
    id = row.number("id") ?? 0
    began = row.text("began") ?? ""
    place = row.text("place") ?? ""
    route = row.text("route")
    vendor = row.text("vendor")
    model = row.text("model")
    hardware = row.text("hardware")
    unit = row.text("unit")
    before = row.text("before")
    after = row.text("after")
    verdict = row.text("verdict").flatMap { Verdict(rawValue: $0) } ?? .unknown
    trouble = row.text("trouble")
    file = row.text("file") ?? ""
    sha256 = row.text("sha256") ?? ""
    bytes = row.number("bytes") ?? 0
    seconds = row.real("seconds") ?? 0
    journal = row.text("journal")
    backup = row.text("backup")
    resumed = row.number("resumed") == 1
    let kept = Data((row.text("warnings") ?? "").utf8)
    warnings = (try? JSONDecoder().decode([String].self, from: kept)) ?? []
    phases = try Row.fetchAll(
      database, sql: "SELECT name, seconds FROM phase WHERE run = ? ORDER BY position",
      arguments: [id]
    ).compactMap { row in
      row.text("name").flatMap { Phase(rawValue: $0) }.map {
        PhaseTime($0, row.real("seconds") ?? 0)
      }
    }
  }
}
