public import Foundation
import SmithBytes
public import SmithLink
public import SmithModel
import SmithProtocols

/// What a firmware says of itself over DIAG (Docs/Protocols/diag.md section 2).
public struct DiagFacts: Sendable, Codable, Equatable {
  /// When it was compiled and released, as it writes it.
  public var compiled: String
  /// When it was released.
  public var released: String
  /// Short model text.
  public var model: String
  /// Chip code, four hexadecimal digits.
  public var chip: String
  /// Name of the chip family, where the code is published.
  public var chipName: String?
  /// Build id; nil if it does not tell.
  public var build: String?
}

/// Everything that DIAG gave away of one stick; the JSON form of a DIAG copy
/// (Docs/Protocols/backup-file.md section 5). It holds identity and calibration: for the owner's
/// eyes alone, and nothing writes it back but ``DiagRestore``.
public struct DiagCopy: Sendable, Codable, Equatable {
  /// One numbered setting.
  public struct Item: Sendable, Codable, Equatable {
    /// Its number.
    public var number: UInt16
    /// The field's name, where it has one.
    public var name: String?
    /// 128 bytes, hexadecimal.
    public var hex: String
  }

  /// One entry of the modem's file system.
  public struct File: Sendable, Codable, Equatable {
    /// Whole path.
    public var path: String
    /// `file`, `directory`, `link` or `other`.
    public var kind: String
    /// POSIX mode bits.
    public var mode: Int32
    /// Bytes, as the directory says.
    public var size: Int
    /// Content; nil for what is no file, and for what could not be read.
    public var content: Data?
  }

  /// Version of the file format.
  public var format = 1
  /// When, in ISO 8601.
  public var time: String
  /// Salted hash of the identity number that item 550 holds: the unit that this belongs to.
  public var identity: String?
  /// What the firmware says of itself.
  public var facts: DiagFacts
  /// Settings, by number.
  public var items: [Item] = []
  /// The tree of its files.
  public var files: [File] = []
  /// What could not be read, in words.
  public var leftOut: [String] = []

  /// Starts with what the firmware says of itself.
  init(time: String, facts: DiagFacts) {
    self.time = time
    self.facts = facts
  }

  /// The settings among them that may go back, by number.
  public var restorable: [String: String] {
    let kept = items.filter { NVItems.restorable.contains($0.number) }
    return Dictionary(kept.map { (String($0.number), $0.hex) }) { first, _ in first }
  }

  /// What a backup says of this copy.
  public var summary: DiagSummary {
    DiagSummary(
      facts: facts, items: items.count, files: files.count,
      fileBytes: files.reduce(0) { $0 + ($1.content?.count ?? 0) }, leftOut: leftOut)
  }

  /// Writes it for its owner only, whole or not at all.
  ///
  /// - Throws: `backup.failed` with exit code 5.
  public func write(to path: String) throws(Trouble) {
    try PrivateFile.write(self, to: path)
  }
}

/// What a backup file says of the DIAG copy beside it; nothing of it is private.
public struct DiagSummary: Sendable, Codable, Equatable {
  /// What the firmware says of itself.
  public var facts: DiagFacts
  /// How many settings were read.
  public var items: Int
  /// How many entries the file system has.
  public var files: Int
  /// How many bytes of files were read.
  public var fileBytes: Int
  /// What could not be read, in words.
  public var leftOut: [String]
}

/// Reads what DIAG gives away; writes nothing (Docs/Protocols/diag.md sections 2, 4 and 5).
public final class DiagReader {
  private let session: DiagSession
  private var copy: DiagCopy
  private var silences = 0

  /// So many questions in a row without an answer mean that the port fell silent.
  private static let patience = 3
  /// No modem of this kind has more in its file system.
  private static let mostBytes = 64 << 20
  private static let mostNotes = 40

  /// Asks the firmware behind an open diagnostic port what it is.
  ///
  /// - Throws: `diag.silent` and its like, if no DIAG answers there.
  public init(_ link: any ByteLink, time: String = "") async throws(Trouble) {
    session = DiagSession(link)
    do throws(DiagError) {
      let version = try await session.version()
      var facts = DiagFacts(
        compiled: version.compiled, released: version.released, model: version.model,
        chip: Self.four(version.chip), chipName: version.chipName)
      if let build = try? await session.build() {
        facts.build = build.build.isEmpty ? nil : build.build
        if facts.model.isEmpty { facts.model = build.model }
      }
      copy = DiagCopy(time: time, facts: facts)
    } catch { throw error.trouble }
  }

  /// What the firmware says of itself.
  public var facts: DiagFacts { copy.facts }

  /// The identity number that item 550 holds; nil if it holds none, or is kept back.
  public func identity() async -> IMEI? {
    await session.identity()
  }

  /// Reads settings and files as far as the firmware lets them be read.
  ///
  /// - Parameters:
  ///   - items: numbers of the settings that are asked for.
  ///   - progress: hears the number of the setting, or the path, that is being read.
  /// - Throws: a trouble if the link is lost; what the firmware keeps back is noted instead.
  public func read(
    items: ClosedRange<UInt16> = 0...7000, progress: (String) -> Void = { _ in }
  ) async throws(Trouble) -> DiagCopy {
    copy.identity = await identity()?.unitHash
    if copy.identity == nil {
      note("the identity number (item 550): settings cannot go back without it")
    }
    do throws(DiagError) {
      try await readItems(items, progress)
      try await readFiles(progress)
    } catch { throw error.trouble }
    return copy
  }

  private static func four(_ value: UInt16) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }

  private func note(_ text: String) {
    if copy.leftOut.count < Self.mostNotes {
      copy.leftOut.append(text)
    } else if copy.leftOut.count == Self.mostNotes {
      copy.leftOut.append("and more of the kind")
    }
  }

  // MARK: Settings

  private func readItems(_ range: ClosedRange<UInt16>, _ progress: (String) -> Void)
    async throws(DiagError)
  {
    var refusals = 0
    for number in range {
      if number.isMultiple(of: 100) { progress("setting \(number) of \(range.upperBound)") }
      do throws(DiagError) {
        if let data = try await session.readItem(number).data {
          copy.items.append(.init(number: number, name: NVItems.name(number), hex: data.hex))
        }
        silences = 0
      } catch .itemStatus(_, let status) {
        silences = 0
        // 8: this firmware has no such setting.
        if status != 8 { note("\(Self.named(number)): status \(status)") }
      } catch .refused(_, let code) {
        silences = 0
        refusals += 1
        guard refusals < 64 || !copy.items.isEmpty else {
          note("all settings: the firmware refuses to read them (\(DiagError.meaning(code)))")
          return
        }
        if !copy.items.isEmpty || refusals == 1 {
          note("\(Self.named(number)): \(DiagError.meaning(code))")
        }
      } catch {
        guard try keepsOn(error, Self.named(number)) else {
          note("settings from \(number) on: the port fell silent")
          return
        }
      }
    }
  }

  private static func named(_ number: UInt16) -> String {
    "setting \(number)" + (NVItems.name(number).map { " (\($0))" } ?? "")
  }

  /// Whether it is worth asking on after an error that says nothing of the link.
  private func keepsOn(_ error: DiagError, _ what: String) throws(DiagError) -> Bool {
    if case .link = error { throw error }
    silences = if case .silent = error { silences + 1 } else { 0 }
    note("\(what): \(error.trouble.summary)")
    return silences < Self.patience
  }

  // MARK: Files

  private func readFiles(_ progress: (String) -> Void) async throws(DiagError) {
    guard silences < Self.patience else {
      note("the file system: the port fell silent")
      return
    }
    silences = 0
    var open: [(path: String, depth: Int)] = [("/", 0)]
    var left = Self.mostBytes
    while let directory = open.popLast() {
      progress(directory.path)
      let entries: [DiagFile]
      do throws(DiagError) { entries = try await session.list(directory.path) } catch {
        guard try keepsOn(error, "folder \(directory.path)") else { return }
        continue
      }
      silences = 0
      for entry in entries {
        guard copy.files.count < 20_000 else {
          note("files beyond 20000")
          return
        }
        var file = DiagCopy.File(
          path: entry.path, kind: entry.kind.word, mode: entry.mode, size: entry.size)
        switch entry.kind {
        case .directory where directory.depth < 16:
          open.append((entry.path, directory.depth + 1))
        case .directory: note("folder \(entry.path): too deep")
        case .file: file.content = try await content(of: entry, &left)
        case .link, .other: break
        }
        copy.files.append(file)
      }
    }
  }

  /// Content of one file; nil, and a note, if it cannot be read.
  private func content(of file: DiagFile, _ left: inout Int) async throws(DiagError) -> Data? {
    guard file.size <= left else {
      note("file \(file.path): the copy would be larger than 64 MiB")
      return nil
    }
    var bytes: [UInt8] = []
    do throws(DiagError) {
      try await session.read(file.path, limit: min(left, 16 << 20)) { bytes += $0 }
    } catch {
      _ = try keepsOn(error, "file \(file.path)")
      return nil
    }
    left -= bytes.count
    return Data(bytes)
  }
}

extension DiagFile.Kind {
  /// For the copy.
  fileprivate var word: String {
    switch self {
    case .file: "file"
    case .directory: "directory"
    case .link: "link"
    case .other: "other"
    }
  }
}
