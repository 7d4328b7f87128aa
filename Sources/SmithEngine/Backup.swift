public import Foundation
import Glibc
public import SmithModel
import SmithProtocols
public import SmithVendors
import Synchronization

/// What was saved of a stick before it was changed; the JSON form of a backup file.
public struct Backup: Sendable, Codable, Equatable {
  /// Version of the file format.
  public var format = 1
  /// When, in ISO 8601.
  public var time: String
  /// Vendor and model.
  public var vendor: String
  /// Model as the stick says.
  public var model: String?
  /// Firmware at that time.
  public var firmware: FirmwareVersion?
  /// Hardware text.
  public var hardware: String?
  /// Serial number, masked but for its last four characters.
  public var serial: String?
  /// Salted hash of the IMEI: settings go back only to the unit that they came from.
  public var identity: String?
  /// IMEI, masked but for its last four digits.
  public var imeiMasked: String?
  /// Version of the program on the stick's CD.
  public var dashboard: String?
  /// Version of the stick's web page.
  public var webInterface: String?
  /// What serves the owner: `stick` (serial ports and a program) or `hilink` (a web page).
  public var kind: String?
  /// Settings; nil where they could not be read.
  public var settings: DeviceSettings?
  /// Settings that DIAG told and that may go back to the same unit, by number, in hexadecimal.
  public var diagItems: [String: String]?
  /// What DIAG told besides; the file of the same name with `.diag` behind it holds it all.
  public var diag: DiagSummary?

  /// Gathers what a stick said.
  public init(of subject: Subject, time: String) {
    self.time = time
    vendor = subject.report.vendor ?? "unknown"
    model = subject.report.model
    firmware = subject.report.firmware
    hardware = subject.report.hardware
    serial = subject.report.serial.map {
      String(repeating: "*", count: max(0, $0.count - 4)) + $0.suffix(4)
    }
    identity = subject.identityHash
    imeiMasked = subject.report.imei?.masked
    settings = subject.settings
    dashboard = subject.report.dashboard
    webInterface = subject.report.webInterface
    switch subject.report.world {
    case .balongStick: kind = "stick"
    case .balongHiLink: kind = "hilink"
    case .qualcomm, .unknown:
      let page = vendor == "huawei" ? "hilink" : "page"
      kind = subject.report.webInterface == nil ? nil : page
    }
  }

  /// Adds what DIAG told.
  public mutating func add(_ copy: DiagCopy) {
    identity = identity ?? copy.identity
    diagItems = copy.restorable.isEmpty ? nil : copy.restorable
    diag = copy.summary
  }

  /// Reads a backup file.
  ///
  /// - Throws: `backup.failed` with exit code 6.
  public static func read(_ path: String) throws(Trouble) -> Backup {
    guard let data = ReadJournal.bytes(path), data.count < 1_048_576,
      let backup = try? JSONDecoder().decode(Backup.self, from: data), backup.format == 1
    else {
      throw Trouble(
        "backup.failed", "\(path) is no backup that can be read.",
        advice: ["Choose a file that `modemsmith backup` wrote."], exitCode: .badFile)
    }
    return backup
  }

  /// Writes the backup for its owner only, whole or not at all.
  ///
  /// - Throws: `backup.failed` with exit code 5.
  public func write(to path: String) throws(Trouble) {
    try PrivateFile.write(self, to: path)
  }
}

/// Files for their owner's eyes alone.
public enum PrivateFile {
  /// Writes a value as JSON, whole or not at all.
  ///
  /// - Throws: `backup.failed` with exit code 5.
  static func write(_ value: some Encodable, to path: String) throws(Trouble) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { throw failed(path) }
    try write(data, to: path)
  }

  /// Writes bytes, whole or not at all.
  ///
  /// - Throws: `backup.failed` with exit code 5.
  public static func write(_ data: Data, to path: String) throws(Trouble) {
    let part = "\(path).part-\(getpid())"
    guard
      FileManager.default.createFile(
        atPath: part, contents: data, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: part), (try? handle.synchronize()) != nil,
      unsafe rename(part, path) == 0
    else {
      try? FileManager.default.removeItem(atPath: part)
      throw failed(path)
    }
  }

  static func failed(_ path: String) -> Trouble {
    Trouble(
      "backup.failed", "The backup \(path) cannot be written.",
      advice: ["Make room on the disk, or choose another folder with --state-dir DIR."],
      exitCode: .refused)
  }
}

/// Proof that a backup was made, or that there was nothing to save and the owner agreed to that.
public struct BackupReceipt: Sendable, Equatable {
  /// Where the backup is; nil if nothing could be saved.
  public let path: String?
  /// SHA-256 of the file whose plan it belongs to.
  let sha256: String

  /// Saves what the stick told.
  ///
  /// - Throws: `backup.failed`: nothing was sent.
  static func make(of subject: Subject, for plan: Plan, policy: Policy, in store: BackupStore)
    throws(Trouble) -> BackupReceipt
  {
    if policy.noBackup, subject.settings != nil {
      throw Trouble(
        "backup.refused", "--no-backup is refused: this stick's settings can be saved.",
        advice: ["Leave --no-backup out; the backup takes a second."], exitCode: .refused)
    }
    guard subject.state == .normal else { return BackupReceipt(path: nil, sha256: plan.sha256) }
    let path = try store.save(Backup(of: subject, time: store.time()))
    return BackupReceipt(path: path, sha256: plan.sha256)
  }
}

/// Where backups go.
public struct BackupStore: Sendable {
  /// Saves a backup and says where.
  public let save: @Sendable (Backup) throws(Trouble) -> String
  /// Reads a backup back; nil if it is no longer there.
  public let load: @Sendable (_ path: String) -> Backup?
  /// The time now, in ISO 8601.
  public let time: @Sendable () -> String

  /// Gathers the parts.
  public init(
    save: @escaping @Sendable (Backup) throws(Trouble) -> String,
    load: @escaping @Sendable (_ path: String) -> Backup?,
    time: @escaping @Sendable () -> String
  ) {
    self.save = save
    self.load = load
    self.time = time
  }

  /// Files in the state directory.
  public static func files(in state: StateDirectory) -> BackupStore {
    BackupStore(
      save: { backup throws(Trouble) in
        let unit = backup.identity.map { String($0.prefix(8)) } ?? "unknown"
        let path = try freePath(
          "\(state.backups)/\(StateDirectory.stamp(Date()))-\(unit)")
        do throws(Trouble) { try backup.write(to: path) } catch {
          _ = unsafe unlink(path)
          throw error
        }
        FileJournal.syncFolder(of: path)
        return path
      }, load: { try? Backup.read($0) }, time: { Date().formatted(.iso8601) })
  }

  /// Reserves a name that no other backup has: clocks are set back, and an interrupted update may
  /// need the older one.
  private static func freePath(_ stem: String) throws(Trouble) -> String {
    for count in 0..<1000 {
      let path = count == 0 ? "\(stem).json" : "\(stem)-\(count).json"
      let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      if descriptor >= 0 {
        close(descriptor)
        return path
      }
      if errno != EEXIST { break }
    }
    throw PrivateFile.failed("\(stem).json")
  }

  /// As long as the store lives: for rehearsals and simulations.
  public static func memory() -> BackupStore {
    let shelf = Shelf()
    return BackupStore(
      save: { backup throws(Trouble) in
        shelf.backup.withLock { $0 = backup }
        return "memory"
      }, load: { _ in shelf.backup.withLock { $0 } }, time: { "1970-01-01T00:00:00Z" })
  }

  private final class Shelf: Sendable {
    let backup = Mutex<Backup?>(nil)
  }
}
