import Foundation
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Synchronization
import Testing

@testable import SmithLibrary

/// A folder of its own for one test.
final class Scene: Sendable {
  let folder: String
  var data: String { "\(folder)/data" }
  var database: String { "\(data)/library.sqlite" }

  init() throws {
    folder =
      URL(fileURLWithPath: NSTemporaryDirectory())
      .appendingPathComponent("smith-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: "\(folder)/in", withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func library(pageLimit: Int? = nil) throws(Trouble) -> Library {
    try Library(data, pageLimit: pageLimit)
  }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(folder)/in/\(name)"
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// A package for a simulated stick.
  @discardableResult
  func package(
    _ name: String, _ personality: HuaweiBalongStick.Personality = .e3131,
    version: String = "21.157.99.00.00", seed: UInt64 = 1
  ) throws -> String {
    try write(name, Self.package(personality, version: version, seed: seed))
  }

  static func package(
    _ personality: HuaweiBalongStick.Personality, version: String, seed: UInt64 = 1
  ) -> [UInt8] {
    var sample = SamplePackage(for: personality)
    sample.version = version
    sample.seed = seed
    sample.bytes = 12_000
    return sample.build()
  }

  static func device(_ personality: HuaweiBalongStick.Personality, firmware: String? = nil)
    -> DeviceReport
  {
    var report = DeviceReport()
    report.vendor = "huawei"
    report.manufacturer = "huawei"
    report.model = personality.model
    report.hardware = personality.hardware
    report.firmware = FirmwareVersion(firmware ?? "\(personality.firmware)")
    report.world = .balongStick
    report.mode = .normal
    return report
  }
}

/// What was heard, from any thread.
final class Heard<Event: Sendable>: Sendable {
  private let list = Mutex<[Event]>([])
  var all: [Event] { list.withLock { $0 } }
  func add(_ event: Event) { list.withLock { $0.append(event) } }
}

/// The code of the trouble that `work` throws; nil if it throws none.
func code(_ work: () throws -> Void) -> String? {
  do { try work() } catch { return (error as? Trouble)?.code ?? "\(error)" }
  return nil
}

/// Runs a program; nil if it is not installed.
func tool(_ name: String, _ arguments: [String], in folder: String) throws -> (Int32, String)? {
  let paths = ["/usr/bin/\(name)", "/usr/local/bin/\(name)", "/bin/\(name)"]
  guard let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
    return nil
  }
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let said = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: said, as: UTF8.self))
}
