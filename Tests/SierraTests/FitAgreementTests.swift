import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// One truth: whatever the file and the stick, `plan` and the fit say the same.
@Suite("Fit and plan") struct FitAgreementTests {
  /// Codes of refusals that say that something is not known.
  private static let unknowns: Set<String> = [
    "plan.product-unknown", "sierra.unproven", "sierra.in-boot-mode", "plan.experimental",
  ]

  private struct File {
    var name: String
    var image: CheckedImage
  }

  private func files() throws -> [File] {
    var found: [File] = []
    func add(_ name: String, _ bytes: [[UInt8]]) throws {
      let parts = try bytes.map { try CheckedImage(SharedBytes($0), named: name) }
      found.append(File(name: name, image: try CheckedImage(joining: parts)))
    }
    for personality in HuaweiBalongStick.Personality.all {
      for version in ["21.157.99.00.00", "21.100.00.00.00", "22.200.01.00.264"] {
        var package = SamplePackage(for: personality)
        package.version = version
        package.bytes = 3000
        try add("\(personality.name) \(version)", [package.build()])
      }
    }
    for (name, personality) in SierraPersonality.all where !personality.products.isEmpty {
      let family = personality.family.split(separator: "_").first.map(String.init) ?? ""
      for version in ["99.01.01.00", "00.01.01.00", String(SierraTexts.plain(personality))] {
        var sample = SierraSample(
          product: personality.products[0], family: family, version: version)
        sample.bytes = 1000
        if personality.loader == .hip {
          try add("\(name) \(version)", [sample.application() ?? []])
          continue
        }
        let firmware = sample.firmware() ?? []
        try add("\(name) \(version)", [firmware])
        for carrier in ["GENERIC", "TELSTRA"] {
          let settings = sample.carrier(carrier, "005.028_000") ?? []
          try add("\(name) \(version) \(carrier) alone", [settings])
          try add("\(name) \(version) with \(carrier)", [firmware, settings])
        }
      }
    }
    return found
  }

  private enum SierraTexts {
    static func plain(_ personality: SierraPersonality) -> Substring {
      personality.firmware.hasSuffix("AP")
        ? personality.firmware.dropLast(2) : Substring(personality.firmware)
    }
  }

  /// What every simulated stick says of itself, asked as `plan` asks.
  private func subjects(_ any: CheckedImage) async throws -> [(String, Subject)] {
    var found: [(String, Subject)] = []
    func ask(_ name: String, _ stick: some StickBody) async throws {
      let bus = VirtualBus(stick)
      await bus.pause(.seconds(60))
      let updater = Updater(
        bus: bus, owner: TrialOwner(),
        surroundings: Surroundings(
          newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "fit"))
      found.append((name, try await updater.look(for: any, at: bus.place)))
    }
    for personality in HuaweiBalongStick.Personality.all {
      try await ask(personality.name, HuaweiBalongStick(personality: personality, firmware: nil))
    }
    for (name, personality) in SierraPersonality.all {
      try await ask(name, SierraStick(personality))
      var mismatched = SierraStick(personality)
      mismatched.flash.preference.carrier = "TELSTRA"
      try await ask("\(name) out of tune", mismatched)
    }
    var other = DeviceReport()
    for vendor in ["zte", "alcatel", nil] {
      other.vendor = vendor
      other.manufacturer = vendor
      other.mode = .normal
      found.append(
        (vendor ?? "nobody", Subject(place: .usb("1-1"), state: .normal, report: other)))
    }
    return found
  }

  @Test("agree over every sample file and every simulated stick") func agreement() async throws {
    let files = try files()
    let subjects = try await subjects(try #require(files.first).image)
    var seen: Set<String> = []
    for file in files {
      for (name, subject) in subjects {
        let fit = Fit.judge(ImageFacts(file.image.image), subject.report)
        let pair = "\(file.name) × \(name)"
        do throws(Trouble) {
          switch try Planner.plan(file.image, subject, policy: Policy()) {
          case .plan:
            #expect(fit.answer != .doesNotFit, "\(pair): \(fit.objections)")
            seen.insert("plan")
          case .alreadyThere:
            #expect(fit.isAlreadyThere && fit.answer != .doesNotFit, "\(pair): \(fit)")
            seen.insert("there")
          }
        } catch {
          let isNobody = subject.report.vendor == nil && subject.report.manufacturer == nil
          let isUnknown = Self.unknowns.contains(error.code) || isNobody
          #expect(
            fit.answer == (isUnknown ? .unknown : .doesNotFit),
            "\(pair): \(error.code) \(fit.answer) \(fit.objections)")
          seen.insert(error.code)
        }
        if fit.answer == .fits { #expect(fit.objections.isEmpty, "\(pair)") }
      }
    }
    let wanted: Set<String> = [
      "plan", "there", "plan.wrong-vendor", "plan.wrong-product", "plan.downgrade",
      "plan.wrong-family", "plan.experimental", "sierra.other-family", "sierra.downgrade",
      "sierra.other-carrier", "sierra.nvu-other-generation", "sierra.hip-loader",
    ]
    #expect(seen.isSuperset(of: wanted), "\(wanted.subtracting(seen))")
  }

  @Test("agree on what a catalogue keeps of a file, not only on the file itself") func catalogue()
    async throws
  {
    let files = try files()
    let subjects = try await subjects(try #require(files.first).image)
    for file in files {
      let image = file.image.image
      let kept = ImageFacts(format: image.format.rawValue, kinds: image.kinds, claims: image.claims)
      for (_, subject) in subjects {
        #expect(
          Fit.judge(kept, subject.report) == Fit.judge(ImageFacts(image), subject.report))
      }
    }
  }

  @Test("claim nothing of what was not compared") func otherFamily() async throws {
    let file = try #require(try files().first { $0.name.hasPrefix("mc7455 99") })
    let found = try await subjects(file.image).first { $0.0 == "mc7304" }
    let subject = try #require(found).1
    let fit = Fit.judge(ImageFacts(file.image.image), subject.report)
    #expect(fit.objections.map(\.about) == ["family"])
    // Versions of two families have no order, and the product is the other family's.
    #expect(!fit.reasons.contains { ["product", "version"].contains($0.about) })
  }

  @Test("of a Sierra image without its claims is not known") func withoutClaims() async throws {
    let files = try files()
    let subjects = try await subjects(try #require(files.first).image)
    let sierra = try #require(files.first { $0.name.hasPrefix("mc7304") })
    var facts = ImageFacts(sierra.image.image)
    facts.claims.sierra = nil
    let subject = try #require(subjects.first { $0.0 == "mc7304" }).1
    #expect(Fit.judge(facts, subject.report).answer == .unknown)
  }
}
