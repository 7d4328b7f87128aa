import Crypto
import Foundation
public import SmithBytes
public import SmithFormats
public import SmithModel

/// A loader file that was read and judged, with its own fingerprint.
public struct CheckedLoader: Sendable {
  /// What the file holds.
  public let loader: BalongLoader
  /// Absolute path of the file; the name of a made-up one.
  public let path: String
  /// SHA-256 of the whole file, hexadecimal.
  public let sha256: String

  /// Opens, reads and judges a file.
  ///
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(path: String, keeping: FileKeeping = .asItIs) throws(Trouble) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    try self.init(try keeping.open(full), named: full)
  }

  /// Reads and judges bytes that are in memory already.
  public init(_ bytes: SharedBytes, named path: String) throws(Trouble) {
    let outcome = Result { () throws(LoaderError) in try BalongLoader.read(bytes) }
    sha256 = [UInt8](SHA256.hash(data: bytes.bytes())).hex
    guard !bytes.hasChanged else { throw FileKeeping.changed(path) }
    switch outcome {
    case .success(let read): loader = read
    case .failure(let error): throw error.trouble
    }
    self.path = path
  }

  /// Whether the file at `path` begins as loaders do; for telling one from a firmware.
  public static func looksLikeOne(_ path: String) -> Bool {
    guard let bytes = try? SharedBytes(file: path) else { return false }
    return ForeignFile.recognise(bytes)?.kind == .balongLoader
  }

  /// Sums of files that their publishers call safe and no pattern can prove
  /// (Docs/Protocols/balong-loader.md section 4.1).
  public static let publishedAsSafe: [String: String] = [
    "d2d31fec3b434430b2b19d1ce69943455ab27632448314b07eca708a9aa93b3e": "E303 and E3131 (V3R3)"
  ]
}

/// What the owner of a rescue allows.
public struct RescuePolicy: Sendable {
  /// For the update that follows.
  public var update = Policy()
  /// Send a listed loader that no pattern proves harmless.
  public var allowListedLoader = false
  /// Sums of loaders that are listed.
  public var listed = CheckedLoader.publishedAsSafe

  /// Nothing beyond the ordinary.
  public init() {}
}

/// What is going to happen to a stick in its boot ROM.
public struct RescuePlan: Sendable, Codable, Equatable {
  /// One part of the loader.
  public struct Part: Sendable, Codable, Equatable {
    /// Name for people.
    public var name: String
    /// Bytes that are sent.
    public var bytes: Int
    /// Where they go.
    public var address: UInt32
  }

  /// Base name of the loader file.
  public var loader: String
  /// SHA-256 of the loader file.
  public var loaderSHA256: String
  /// Chip, if the loader's addresses tell it.
  public var chip: String?
  /// Product of its partition table.
  public var table: String?
  /// What was found of its erase call, in words.
  public var verdict: String
  /// What is changed in the copy that is sent, in words; empty for a loader sent as it is.
  public var changes: [String]
  /// Its parts.
  public var parts: [Part]
  /// The update that follows; nil without firmware.
  public var update: Plan?
  /// What the owner should know before agreeing.
  public var warnings: [String]

  /// What the owner types to agree.
  public var word: String { update?.products.first ?? "rescue" }
}

/// A rescue that was decided: the plan and the bytes that belong to it.
struct DecidedRescue: Sendable {
  var plan: RescuePlan
  var parts: [BalongLoader.Part]
}

/// Decides whether a loader may be sent; pure.
enum RescuePlanner {
  static func decide(
    _ loader: CheckedLoader, update: Plan?, policy: RescuePolicy
  ) throws(Trouble) -> DecidedRescue {
    var warnings: [String] = []
    var changes: [String] = []
    let parts: [BalongLoader.Part]
    switch loader.loader.verdict {
    case .safe:
      parts = loader.loader.parts
    case .patchable(let call):
      guard let disarmed = loader.loader.disarmed() else { throw unproven("it cannot be changed") }
      parts = disarmed
      changes.append(
        "its erase call (\(call.pattern)) is put out of action at offset \(call.offset);"
          + " your file stays as it is")
    case .unproven(let reason):
      parts = try listed(loader, reason, policy, &warnings)
    }
    if let update { try compare(loader.loader.chip, update) }
    if loader.loader.chip == nil {
      warnings.append("No table knows this loader's addresses: check that it is for this stick.")
    }
    warnings.append("Identity and settings cannot be saved first: nothing can be asked of it now.")
    let plan = RescuePlan(
      loader: URL(fileURLWithPath: loader.path).lastPathComponent, loaderSHA256: loader.sha256,
      chip: loader.loader.chip?.rawValue, table: loader.loader.table?.product,
      verdict: loader.loader.verdict.words, changes: changes,
      parts: parts.map { .init(name: $0.name, bytes: $0.bytes.count, address: $0.address) },
      update: update, warnings: warnings)
    return DecidedRescue(plan: plan, parts: parts)
  }

  private static func listed(
    _ loader: CheckedLoader, _ reason: String, _ policy: RescuePolicy, _ warnings: inout [String]
  ) throws(Trouble) -> [BalongLoader.Part] {
    guard let name = policy.listed[loader.sha256] else { throw unproven(reason) }
    guard policy.allowListedLoader else {
      var trouble = unproven(reason)
      trouble.facts.append("its publisher calls this file (\(name)) safe; nothing here proves it")
      trouble.advice.insert(
        "If you accept that risk for this very file, add `--force unproven-loader`.", at: 0)
      throw trouble
    }
    warnings.append("Only its publisher's word says that this loader (\(name)) erases nothing.")
    return loader.loader.parts
  }

  private static func unproven(_ reason: String) -> Trouble {
    Trouble(
      "rescue.unproven-loader",
      "Nothing proves that this loader leaves the stick's identity data alone: \(reason).",
      facts: ["the vendor's own loaders erase everything when they start, the IMEI with it"],
      advice: [
        "Get a loader for this chip that is known to be safe; `modemsmith image show` tells."
      ], exitCode: .refused)
  }

  /// A loader for one chip and a firmware for another cannot both be right.
  private static func compare(_ chip: BalongLoader.Chip?, _ update: Plan) throws(Trouble) {
    guard let chip, let wanted = RescueChips.chips(of: update.products), !wanted.isEmpty,
      !wanted.contains(chip.rawValue)
    else { return }
    throw Trouble(
      "rescue.wrong-chip",
      "The loader is for \(chip.rawValue), the firmware for \(wanted.joined(separator: " or ")).",
      advice: ["Find out which of them is made for this stick, and get the other one anew."],
      exitCode: .refused)
  }
}

extension BalongLoader.Verdict {
  /// The verdict in words.
  public var words: String {
    switch self {
    case .safe(let call): "safe: its erase call (\(call.pattern)) is out of action"
    case .patchable(let call):
      "erases everything; a copy can be made harmless before it is sent (\(call.pattern))"
    case .unproven(let reason): "not proven harmless: \(reason)"
    }
  }

  /// The verdict as one word for programs.
  public var word: String {
    switch self {
    case .safe: "safe"
    case .patchable: "patchable"
    case .unproven: "unproven"
    }
  }
}
