import SmithBytes
import SmithFormats
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import Testing

/// One row of the table of 25 cases (Docs/Protocols/sierra-qdl.md section 8): a peer tool fails a
/// third of them.
struct FaultCase: Sendable, CustomTestStringConvertible {
  var name: String
  var faults = Faults()
  var quirks: SierraQuirks = {
    var quirks = SierraQuirks()
    // Several chunks, so that not every one is the last.
    quirks.largestChunk = 4096
    return quirks
  }()
  /// What is done to the file.
  var damage: @Sendable ([UInt8]) -> [UInt8] = { $0 }
  var verdict = Verdict.updated
  /// Code of the trouble in the first report.
  var code: String?
  /// Whether the stick runs the new version after the first run.
  var isNew: Bool { verdict == .updated }
  /// Whether a second command (`resume`, or `update` again) ends with the new version.
  var second = false

  var testDescription: String { name }

  static let all: [FaultCase] = [clean] + files + lost + answers + power + refusals + habits + lies

  private static let clean = FaultCase(name: "clean")

  private static let files: [FaultCase] = [
    FaultCase(
      name: "image CRC wrong in the file", damage: { changed($0, at: $0.count - 9) },
      verdict: .unchanged, code: "sierra.image-crc"),
    FaultCase(
      name: "PSB CRC wrong", damage: { changed($0, at: 0x20) }, verdict: .unchanged,
      code: "sierra.psb-crc"),
    FaultCase(
      name: "wrong product",
      damage: { bytes in
        var bytes = bytes
        bytes.replaceSubrange(0x110..<0x114, with: Array("9X30".utf8))
        return bytes
      }, verdict: .unchanged, code: "sierra.other-product"),
  ]

  private static let lost: [FaultCase] = [
    ("switch request lost", 0x70 as UInt8), ("hello request lost", 0x01),
    ("open request lost", 0x25),
  ].map { name, kind in
    var row = FaultCase(name: name)
    row.faults.losesKind = [0x7e, kind]
    return row
  }

  private static let answers: [FaultCase] = {
    var open = FaultCase(name: "open answer corrupt")
    open.quirks.damagesFirst = [0x26]
    var last = FaultCase(name: "acknowledgement of the last chunk corrupt")
    last.quirks.damagesFirst = [0x28]
    last.quirks.largestChunk = 1 << 20
    var twice = FaultCase(name: "acknowledgement duplicated")
    twice.faults.duplicates = true
    return [open, last, twice]
  }()

  private static let power: [FaultCase] = {
    func cut(_ name: String, _ kind: [UInt8]) -> FaultCase {
      var row = FaultCase(name: name, verdict: .failedStillWorks, code: "qdl.gone", second: true)
      row.faults.cutAtKind = kind
      row.faults.replugsAfter = .seconds(3)
      return row
    }
    var flash = FaultCase(
      name: "power cut while flashing", verdict: .needsRescue, code: "qdl.gone")
    flash.faults.cutWhileFlashing = true
    flash.faults.replugsAfter = .seconds(3)
    var repair = flash
    repair.name = "second run after a power cut while flashing"
    repair.second = true
    return [
      cut("power cut at open", [0x7e, 0x25]), cut("power cut at write", [0x27]), flash, repair,
    ]
  }()

  private static let refusals: [FaultCase] = {
    func refused(_ name: String, _ code: String) -> FaultCase {
      FaultCase(name: name, verdict: .failedStillWorks, code: code)
    }
    var open = refused("open status not 0", "qdl.open-refused")
    open.quirks.openStatus = 6
    var write = refused("write status not 0", "qdl.write-refused")
    write.quirks.writeStatus = 2
    var done = refused("done status not 0", "qdl.done-refused")
    done.quirks.doneStatus = 1
    return [open, write, done]
  }()

  private static let habits: [FaultCase] = {
    var split = FaultCase(name: "answers in pieces of three bytes")
    split.faults.pieces = 3
    var noise = FaultCase(name: "noise before every answer")
    noise.faults.noise = [0x00, 0xff, 0x41]
    var rows = [split, noise]
    for milliseconds in [900, 1500] {
      var slow = FaultCase(name: "\(milliseconds) ms for every answer")
      slow.quirks.answerDelay = .milliseconds(milliseconds)
      slow.quirks.largestChunk = 1 << 20
      rows.append(slow)
    }
    var deaf = FaultCase(name: "switch request without an answer")
    deaf.quirks.switchAnswer = .silent
    var window = FaultCase(name: "boot hold of 3 s")
    window.quirks.bootHold = .seconds(3)
    return rows + [deaf, window]
  }()

  private static let lies: [FaultCase] = {
    var stays = FaultCase(
      name: "stays in boot mode", verdict: .unknown, code: "stick.did-not-return")
    stays.quirks.staysInBoot = true
    var same = FaultCase(
      name: "version unchanged", verdict: .failedStillWorks, code: "update.unverified")
    same.quirks.keepsOldVersion = true
    return [stays, same]
  }()

  private static func changed(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
    var bytes = bytes
    bytes[offset] ^= 1
    return bytes
  }
}
