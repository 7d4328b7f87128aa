import Foundation

/// Numbers of one measured thing.
struct Row: Codable {
  var name: String
  var value: Double
  var unit: String
  /// What we promise, if anything: a bound and whether more or less is better.
  var promise: String?
  var isKept: Bool?

  init(_ name: String, _ value: Double, _ unit: String) {
    self.name = name
    self.value = value
    self.unit = unit
  }

  func atLeast(_ bound: Double) -> Row { promised(">= \(bound)", value >= bound) }
  func atMost(_ bound: Double) -> Row { promised("<= \(bound)", value <= bound) }

  private func promised(_ promise: String, _ isKept: Bool) -> Row {
    var row = self
    row.promise = promise
    row.isKept = isKept
    return row
  }
}

func seconds(_ work: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try work()
  return (ContinuousClock.now - start).seconds
}

/// Processor time of this process alone, for work that waits for nobody: what others do on the
/// machine does not count.
func processorSeconds(_ work: () throws -> Void) rethrows -> Double {
  let before = usage().cpu
  try work()
  return usage().cpu - before
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  let middle = sorted.count / 2
  return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

/// Processor seconds and peak memory of this process.
func usage() -> (cpu: Double, peakMiB: Double) {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
  let system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
  return (user + system, peakMiB() ?? Double(usage.ru_maxrss) / 1024)
}

/// Peak memory of this program alone: `ru_maxrss` of a child begins with what its parent held.
private func peakMiB() -> Double? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
    return nil
  }
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    .map { $0 / 1024 }
}

/// Bytes that look like compressed firmware, the same in every run.
func noise(_ count: Int) -> [UInt8] {
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state >> 32)
  }
}

/// Runs a program, its output thrown away; nil if it fails or is missing.
func time(running path: String, _ arguments: [String]) -> Double? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  let start = ContinuousClock.now
  guard (try? process.run()) != nil else { return nil }
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { return nil }
  return (ContinuousClock.now - start).seconds
}
