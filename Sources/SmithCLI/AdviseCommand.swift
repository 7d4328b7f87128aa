import ArgumentParser
import SmithEngine
import SmithLibrary
import SmithLink
import SmithModel
import SmithVendors

/// The stick that is asked, for commands that have data options of their own.
struct StickOptions: ParsableArguments {
  @Option(name: .long, help: "The stick's AT (or only) port, for odd set-ups and simulators.")
  var port: String?
  @Option(name: .long, help: "The stick at this USB place, as `modemsmith list` shows it.")
  var place: String?
  @Option(
    name: .long, help: "The stick's page, as in http://192.168.8.1, for sticks that have one.")
  var web: String?

  /// What the stick says about itself, over its page if it shows one.
  func report(json: Bool) async throws(Trouble) -> DeviceReport {
    var target = TargetOptions()
    target.port = port
    target.downloadPort = nil
    target.diagPort = nil
    target.imeiEnds = nil
    target.web = web
    target.webUser = nil
    target.webPasswordFile = nil
    target.place = place
    target.stateDir = nil
    target.dataDir = nil
    return try await target.report(json: json).report
  }
}

extension TargetOptions {
  /// What the stick says about itself, and whether its page said it; nothing is changed.
  func report(json: Bool) async throws(Trouble) -> (report: DeviceReport, overPage: Bool) {
    if let page = try await PageTarget.meant(by: self) { return (try await page.report(), true) }
    let (bus, place) = try await bus()
    let updater = Updater(
      bus: bus, owner: TerminalOwner(json: json, yes: false), surroundings: .forQueries)
    let (link, subject) = try await updater.identify(place, withSettings: false)
    await link.close()
    return (subject.report, false)
  }
}

struct AdviseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "advise",
    abstract: "Says whether this stick should be updated at all; \"no\" is a normal answer.",
    discussion: """
      Say what is wrong in daily use with --complaint, as often as needed: \
      \(Advice.Complaint.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  @Argument(help: "The firmware file, if you have one.") var file: String?
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "What is wrong with the stick in daily use.")
  var complaint: [String] = []

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      var known = Advice.Circumstances()
      for name in complaint {
        guard let complaint = Advice.Complaint(rawValue: name) else {
          throw Trouble(
            "usage.unknown-complaint", "There is no complaint \"\(name)\".",
            advice: [
              "Complaints: \(Advice.Complaint.allCases.map(\.rawValue).joined(separator: ", "))."
            ], exitCode: .usage)
        }
        known.complaints.insert(complaint)
      }
      if let file, let page = try await pageThatReads(file) {
        known.fit = try await page.fit()
      } else if let file {
        let image = try FirmwareFile(file).open()
        let bad = try KnownBad.reasons(image, dataDir: target.dataDir).first
        known.image = ImageFacts(image.image, knownBad: bad)
      }
      let (device, overPage) = try await target.report(json: common.json)
      let family = Families.all.first { $0.vendor == device.vendor }
      let way = FrontDoor(device, overPage: overPage).way
      let isServed = way != .vendorProgram || device.mode == .download
      known.evidence = isServed ? family?.evidence ?? "simulator" : nil
      // What only its own page can write, only its page can mend.
      known.canRecover = isServed && (family != nil || device.mode == .download)
      if isServed {
        known.cannotBackUp = ["the firmware now on the stick"]
      }
      let advice = Advice.about(device, known)
      if common.json { Output.json(advice.json) } else { advice.show() }
      return .ok
    }
  }
}

extension AdviseCommand {
  /// The page that takes a file which nothing else can read; nil for every other stick. What
  /// rests on inference becomes a reason of the fit.
  private func pageThatReads(_ file: String) async throws(Trouble) -> WebUpdateTarget? {
    var options = PageUpdateOptions()
    options.online = false
    options.expect = nil
    var policy = Policy()
    policy.experimental = true
    return try await WebUpdateTarget.ifItTakes(
      file, target, options, policy: policy, json: common.json)
  }
}

/// Bad marks of the library, asked before a plan is made.
enum KnownBad {
  /// Every reason; a library that does not exist knows nothing, a damaged one is a trouble: it
  /// may hold the mark that matters.
  static func reasons(_ image: CheckedImage, dataDir: String?) throws(Trouble) -> [String] {
    guard Library.exists(dataDir) else { return [] }
    return try Library(dataDir).knownBad(image.sums)
  }

  /// - Throws: `library.known-bad`.
  static func refuse(_ image: CheckedImage, dataDir: String? = nil) throws(Trouble) {
    guard Library.exists(dataDir) else { return }
    try Library(dataDir).refuseKnownBad(image.sums)
  }
}

extension Advice {
  var json: JSONValue {
    func list(_ points: [Point]) -> JSONValue {
      .array(
        points.map {
          .object([
            "name": .string($0.name), "text": .string($0.text),
            "holds": $0.holds.map { .bool($0) } ?? .null,
          ])
        })
    }
    return .object([
      "event": .string("advice"), "answer": .string(answer.rawValue),
      "summary": .string(summary), "only_update_if": list(onlyIf),
      "do_not_update_if": list(doNotIf),
      "consequences": .array(consequences.map { .string($0) }), "fit": fit?.json ?? .null,
    ])
  }

  func show() {
    Output.line(Output.paint(summary, answer == .update ? .green : .bold))
    list("Only update if ...", onlyIf, trueColour: .green)
    list("Do not update if ...", doNotIf, trueColour: .red)
    if !consequences.isEmpty {
      Output.line("")
      Output.line("What would come of it")
      for line in consequences { Output.line("  · \(line)") }
    }
    guard let fit else { return }
    Output.line("")
    switch fit.answer {
    case .fits: Output.line("The file fits:")
    case .doesNotFit: Output.line("The file does not fit:")
    case .unknown: Output.line("Whether the file fits is not known:")
    }
    for reason in fit.reasons { Output.line("  · \(reason.text)") }
  }

  private func list(_ title: String, _ points: [Point], trueColour: Output.Colour) {
    Output.line("")
    Output.line(title)
    for point in points {
      switch point.holds {
      case true: Output.line(Output.paint("  [x] \(point.text)", trueColour))
      case false: Output.line("  [ ] \(point.text)")
      case nil: Output.line("  [?] \(point.text)")
      }
    }
  }
}
