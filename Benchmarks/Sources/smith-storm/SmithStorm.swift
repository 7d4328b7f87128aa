import Foundation
import SmithTrials

/// Runs many seeds of ``Storm`` on both cores and says which of them broke an invariant.
@main
enum SmithStorm {
  static func main() async throws {
    guard let arguments = Arguments(CommandLine.arguments) else {
      print(Arguments.usage)
      exit(2)
    }
    let storm = try await Storm(bytes: arguments.bytes, of: arguments.vendors)
    if arguments.explain {
      for line in await storm.explain(seed: arguments.seed) { print(line) }
      return
    }
    let start = ContinuousClock.now
    var tally: [String: Int] = [:]
    var broken: [Storm.Result] = []
    await withTaskGroup(of: [Storm.Result].self) { group in
      for lane in 0..<arguments.lanes {
        group.addTask { @concurrent in
          var results: [Storm.Result] = []
          for run in stride(from: lane, to: arguments.runs, by: arguments.lanes) {
            results.append(await storm.run(seed: arguments.seed + UInt64(run)))
          }
          return results
        }
      }
      for await results in group {
        for result in results {
          tally[
            "\(result.verdict.rawValue)\(result.isDone ? ", done in the end" : "")", default: 0] +=
            1
          if !result.broken.isEmpty { broken.append(result) }
        }
      }
    }
    let seconds = Double((ContinuousClock.now - start).components.seconds)
    for (verdict, count) in tally.sorted(by: { $0.value > $1.value }) {
      print("\(count)\tfirst run: \(verdict)")
    }
    for result in broken.prefix(20) {
      print("seed \(result.seed), \(result.scene): \(result.broken.joined(separator: "; "))")
    }
    print(
      "storm: \(arguments.runs) runs from seed \(arguments.seed) in \(Int(seconds)) s,"
        + " \(broken.count) broken")
    if !broken.isEmpty { exit(1) }
  }
}

struct Arguments {
  var seed: UInt64 = 1
  var runs = 1000
  /// Tell one seed message by message instead of running many.
  var explain = false
  var vendors = Storm.Vendor.allCases
  /// Size of the packages, about.
  var bytes = 16_384
  let lanes = max(1, min(ProcessInfo.processInfo.activeProcessorCount, 16))

  init?(_ words: [String]) {
    var rest = words.dropFirst()
    while let name = rest.popFirst() {
      if name == "--explain" {
        explain = true
        continue
      }
      let word = rest.popFirst() ?? ""
      if name == "--vendor", let vendor = Storm.Vendor(rawValue: word) {
        vendors = [vendor]
        continue
      }
      guard let value = UInt64(word) else { return nil }
      switch name {
      case "--seed": seed = value
      case "--runs": runs = Int(clamping: value)
      case "--bytes": bytes = Int(clamping: value)
      default: return nil
      }
    }
  }

  static var usage: String {
    "usage: smith-storm [--seed N] [--runs N] [--bytes N] [--explain]"
      + " [--vendor \(Storm.Vendor.allCases.map(\.rawValue).joined(separator: "|"))]"
  }
}
