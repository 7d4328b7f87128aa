public import SmithFormats
public import SmithModel
public import SmithVendors

/// What a fit is judged by: the claims of an image, whether it is at hand or only described.
public struct ImageFacts: Sendable, Equatable {
  /// Container format, as in `balong`.
  public var format: String
  /// What it holds.
  public var kinds: Set<ImageKind>
  /// What it says about itself.
  public var claims: ImageClaims
  /// Why somebody marked it as bad; nil if nobody did.
  public var knownBad: String?
  /// The package for Qualcomm flash, where the file is at hand: its loader and table say more than
  /// any claim.
  private(set) var nand: NANDPackage?
  /// The package for Firehose, where the file is at hand.
  private(set) var rawProgram: RawProgramPackage?

  /// Gathers the parts.
  public init(
    format: String, kinds: Set<ImageKind>, claims: ImageClaims, knownBad: String? = nil
  ) {
    self.format = format
    self.kinds = kinds
    self.claims = claims
    self.knownBad = knownBad
  }

  /// The facts of an image that was read and verified.
  public init(_ image: FirmwareImage, knownBad: String? = nil) {
    self.init(
      format: image.format.rawValue, kinds: image.kinds, claims: image.claims, knownBad: knownBad)
    nand = image.nand
    rawProgram = image.rawProgram
  }

  /// Whether the same is known of two images.
  public static func == (left: ImageFacts, right: ImageFacts) -> Bool {
    left.format == right.format && left.kinds == right.kinds && left.claims == right.claims
      && left.knownBad == right.knownBad
  }
}

/// Whether a file is for a stick, with every reason.
public struct Fit: Sendable, Equatable {
  /// The one word.
  public enum Answer: String, Sendable, Codable, CaseIterable {
    /// Nothing speaks against it, and the product is proven.
    case fits
    /// Something rules it out.
    case doesNotFit = "does-not-fit"
    /// Nothing rules it out, and something that matters is not known.
    case unknown
  }

  /// One thing that was compared.
  public struct Reason: Sendable, Equatable {
    /// What it says.
    public var answer: Answer
    /// What was compared: `known-bad`, `kind`, `vendor`, `chip`, `product`, `family`, `version`,
    /// `carrier`, `customer`, `inference`.
    public var about: String
    /// One sentence.
    public var text: String

    /// Gathers the parts.
    public init(_ answer: Answer, _ about: String, _ text: String) {
      self.answer = answer
      self.about = about
      self.text = text
    }
  }

  /// The sum of all reasons.
  public var answer: Answer
  /// Every reason, in the order in which it was looked at.
  public var reasons: [Reason]
  /// Whether the stick runs this version already.
  public var isAlreadyThere: Bool
  /// Whether the file is older than what runs.
  public var isOlder: Bool
  /// Whether the customer code is the stick's own; nil if one of them is not known.
  public var sameCustomer: Bool?

  /// Why it does not fit or may not; empty for a plain fit.
  public var objections: [Reason] { reasons.filter { $0.answer != .fits } }

  /// Compares the claims of an image with what a stick says about itself; pure.
  ///
  /// The same answer stands behind `plan`, `library`, `advise`, page and agent: the rules are
  /// those of the family that writes the file, which the planner asks too. What only the download
  /// mode tells is compared once more there, before the first write.
  public static func judge(_ image: ImageFacts, _ device: DeviceReport) -> Fit {
    var judge = Judge(image: image, device: device)
    judge.knownBad()
    judge.kind()
    judge.ask()
    let answers = judge.reasons.map(\.answer)
    let sum: Answer =
      answers.contains(.doesNotFit)
      ? .doesNotFit : answers.contains(.unknown) ? .unknown : .fits
    return Fit(
      answer: sum, reasons: judge.reasons, isAlreadyThere: judge.isAlreadyThere,
      isOlder: judge.isOlder, sameCustomer: judge.sameCustomer)
  }
}

/// One judgement in the making.
private struct Judge {
  let image: ImageFacts
  let device: DeviceReport
  var reasons: [Fit.Reason] = []
  var isAlreadyThere = false
  var isOlder = false
  var sameCustomer: Bool?

  mutating func say(_ answer: Fit.Answer, _ about: String, _ text: String) {
    reasons.append(Fit.Reason(answer, about, text))
  }

  mutating func knownBad() {
    guard let why = image.knownBad else { return }
    say(.doesNotFit, "known-bad", "It is marked as bad: \(why)")
  }

  mutating func kind() {
    if image.kinds.holdFirmware {
      let isWhole = image.kinds.contains(.firmware)
      say(.fits, "kind", isWhole ? "It holds firmware." : "It holds carrier settings.")
    } else {
      let what = image.kinds.map(\.words).sorted().joined(separator: " and ")
      say(.doesNotFit, "kind", "It holds no firmware, only \(what.isEmpty ? "other data" : what).")
    }
  }

  /// The image as far as its claims go; nil for a format that nothing writes.
  private var outline: FirmwareImage? {
    guard let format = ImageFormat(rawValue: image.format) else { return nil }
    var outline = FirmwareImage(
      format: format, origin: 0..<0, kinds: image.kinds, segments: [], claims: image.claims)
    outline.nand = image.nand
    outline.rawProgram = image.rawProgram
    return outline
  }

  /// The family that writes it; one that writes something else of the file does not count.
  private func family(of outline: FirmwareImage) -> (any Family)? {
    image.kinds.holdFirmware ? Families.taking(outline) : Families.writing(outline)
  }

  /// Asks the family that writes the file, as the planner does.
  mutating func ask() {
    guard let outline, let family = family(of: outline) else {
      say(.unknown, "vendor", "The format \(image.format) does not tell whose stick it is for.")
      return
    }
    if device.vendor == nil, device.manufacturer == nil {
      say(.unknown, "vendor", "The stick does not say who made it.")
      return
    }
    do throws(Trouble) { try FrontDoor.check(outline, for: device) } catch {
      reasons.append(Fit.Reason(error))
      return
    }
    let isPackage = outline.format == .qualcommNAND || outline.format == .qualcommRawProgram
    if isPackage, outline.nand == nil, outline.rawProgram == nil {
      say(.unknown, "product", "Only the file itself tells for which stick it is.")
      return
    }
    let state: StickState =
      device.mode == .download ? .waiting(family.usualLoader) : .normal
    let objections = family.objections(outline, device, state, Policy())
    let said = objections.map { Fit.Reason($0) }
    isOlder = said.contains { $0.about == "version" && $0.answer == .doesNotFit }
    let isForeign = said.contains { $0.about == "vendor" }
    if isForeign {
      reasons += said
      return
    }
    say(.fits, "vendor", "It is made for \(family.vendor) sticks.")
    var waived = Policy()
    waived.forced = Set(Policy.Rule.allCases)
    waived.allowDowngrade = true
    let judgement = try? family.judge(outline, device, state, waived)
    for about in ["kind", "chip", "product", "family", "version", "carrier", "customer"] {
      let against = said.filter { $0.about == about }
      if !against.isEmpty {
        reasons += against
      } else if judgement != nil || family.vendor == "huawei" {
        // Other families stop at what nobody can waive: what comes behind it was not compared.
        agree(about, family, judgement)
      }
    }
    // Of a way that is shown step by step, those that somebody saw are none.
    let steps = judgement?.steps ?? []
    let inferred = steps.filter { $0.mark == "D" }.map(\.text)
    for inference in steps.isEmpty ? judgement?.inferences ?? [] : inferred {
      say(.unknown, "inference", "It rests on inference: \(inference).")
    }
  }

  /// What speaks for the file where nothing speaks against it.
  private mutating func agree(_ about: String, _ family: any Family, _ judgement: Judgement?) {
    switch about {
    case "chip" where family.vendor == "huawei":
      if device.world == .unknown {
        say(.unknown, "chip", "The stick does not tell its chip.")
      } else {
        let isOld = family.name == "huawei-qualcomm"
        say(
          .fits, "chip",
          isOld ? "Both are of Huawei's Qualcomm era." : "Both are of the Balong chip family.")
      }
    case "product": product(family)
    case "version": version(judgement, family)
    case "customer": customer()
    default: break
    }
  }

  private mutating func product(_ family: any Family) {
    let names = image.claims.products.joined(separator: ", ")
    guard family.vendor == "huawei" else {
      // Only an inference speaks for such a package.
      let nameless: [ImageFormat] = [.qualcommRawProgram, .gobi2000]
      if nameless.contains(where: { $0.rawValue == image.format }) {
        return say(.unknown, "product", "Nothing in it says for which model it is.")
      }
      // The other families compare more than names, and say what is wrong.
      say(.fits, "product", names.isEmpty ? "It is for this stick." : "It is for \(names).")
      return
    }
    let known =
      device.mode == .download
      ? device.productID.map { [$0] } ?? []
      : DeviceCatalogue.huaweiBalong.products(model: device.model, hardware: device.hardware)
    if names.isEmpty {
      say(.unknown, "product", "The file does not say for which product it is.")
    } else if known.isEmpty {
      say(
        .unknown, "product",
        "It is for \(names); which of these this stick takes is only known in download mode.")
    } else {
      say(.fits, "product", "It is for \(names), which this model takes.")
    }
  }

  private mutating func version(_ judgement: Judgement?, _ family: any Family) {
    guard let after = image.claims.firmware else {
      say(.unknown, "version", "The file does not say which version it holds.")
      return
    }
    guard let before = device.firmware else {
      say(.unknown, "version", "The stick does not say which version it runs.")
      return
    }
    if judgement?.isThere == true {
      isAlreadyThere = true
      sameCustomer = true
      say(.fits, "version", "The stick runs this version already.")
    } else if !family.orders(after, before) {
      // The plan warns of this and goes on; it is no reason against the file.
      say(.fits, "version", "The versions \(before) and \(after) cannot be compared.")
    } else {
      say(.fits, "version", "It is not older than what runs (\(before)).")
    }
  }

  private mutating func customer() {
    guard !isAlreadyThere, let old = device.firmware?.groups, old.count >= 5,
      let new = image.claims.firmware?.groups, new.count >= 5
    else { return }
    sameCustomer = old[4] == new[4]
    say(
      .fits, "customer",
      sameCustomer == true
        ? "Both are builds for customer \(old[4])."
        : "The customer build changes from \(old[4]) to \(new[4]).")
  }
}

extension Fit {
  /// The fit of a file that only the stick's own page can read: what became of its plan.
  public init(_ plan: Plan) {
    let model = plan.model ?? "this stick"
    let reasons =
      [Reason(.fits, "product", "It names \(model), and its page takes such files.")]
      + plan.inferences.map { Reason(.unknown, "inference", "It rests on inference: \($0).") }
    self.init(
      answer: plan.inferences.isEmpty ? .fits : .unknown, reasons: reasons, isAlreadyThere: false,
      isOlder: false, sameCustomer: nil)
  }

  /// The fit of a file whose version the stick runs.
  public static let alreadyThere = Fit(
    answer: .fits, reasons: [Reason(.fits, "version", "The stick runs this version already.")],
    isAlreadyThere: true, isOlder: false, sameCustomer: nil)

  /// The same where there is no plan.
  public init(refusal: Trouble) {
    let reason = Reason(refusal)
    self.init(
      answer: reason.answer, reasons: [reason], isAlreadyThere: false,
      isOlder: reason.about == "version", sameCustomer: nil)
  }
}

extension Fit.Reason {
  /// A refusal of the plan as a reason; what the stick or the file keeps back is not known.
  fileprivate init(_ trouble: Trouble) {
    let about =
      switch trouble.code {
      case "plan.wrong-vendor": "vendor"
      case "plan.wrong-chip", "sierra.out-of-scope": "chip"
      case "plan.wrong-family", "sierra.other-family", "sierra.nvu-other-generation": "family"
      case "plan.downgrade", "sierra.downgrade", "zte.downgrade", "sierra.versions-differ":
        "version"
      case "sierra.other-carrier": "carrier"
      case "sierra.other-seller", "zte.other-operator": "customer"
      case "sierra.difference", "sierra.nothing-to-install", "sierra.hip-loader": "kind"
      default: "product"
      }
    let isUnknown = Self.unknowns.contains(trouble.code)
    let facts = trouble.facts.isEmpty ? "" : " (\(trouble.facts.joined(separator: "; ")))"
    self.init(isUnknown ? .unknown : .doesNotFit, about, trouble.summary + facts)
  }

  /// Refusals that say that something is not known, not that it is wrong.
  static let unknowns: Set<String> = [
    "plan.product-unknown", "sierra.unproven", "sierra.in-boot-mode", "plan.experimental",
    "sierra.gobi-way-in",
    "zte.model-unknown", "zte.loader-unknown", "zte.in-download-mode", "huawei.no-capture",
  ]
}
