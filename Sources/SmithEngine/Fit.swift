public import SmithFormats
import SmithModel
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
    /// What was compared: `kind`, `vendor`, `chip`, `product`, `hardware`, `family`, `version`,
    /// `customer`, `known-bad`.
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
  /// The same answer stands behind `plan`, `library`, `advise`, page and agent. What only the
  /// download mode tells is compared once more there, before the first write.
  public static func judge(_ image: ImageFacts, _ device: DeviceReport) -> Fit {
    var judge = Judge(image: image, device: device)
    judge.knownBad()
    judge.kind()
    judge.vendor()
    judge.product()
    judge.versions()
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
    if image.kinds.contains(.firmware) {
      say(.fits, "kind", "It holds firmware.")
    } else {
      let what = image.kinds.map(\.words).sorted().joined(separator: " and ")
      say(.doesNotFit, "kind", "It holds no firmware, only \(what.isEmpty ? "other data" : what).")
    }
  }

  /// Which maker a container belongs to; nil for a format of several makers.
  private var maker: String? {
    if image.format.hasPrefix("balong") { return "huawei" }
    for name in ["sierra", "zte", "alcatel", "huawei"] where image.format.hasPrefix(name) {
      return name
    }
    return nil
  }

  mutating func vendor() {
    guard let maker else {
      say(.unknown, "vendor", "The format \(image.format) does not tell whose stick it is for.")
      return
    }
    guard let vendor = device.vendor else {
      // A maker's name that no table knows is another maker, not an unknown one.
      if let other = device.manufacturer {
        say(.doesNotFit, "vendor", "It is made for \(maker) sticks; this one is from \(other).")
      } else {
        say(.unknown, "vendor", "The stick does not say who made it.")
      }
      return
    }
    guard vendor == maker else {
      say(.doesNotFit, "vendor", "It is made for \(maker) sticks; this one is from \(vendor).")
      return
    }
    say(.fits, "vendor", "It is made for \(maker) sticks.")
    guard maker == "huawei" else { return }
    let isForQualcomm = HuaweiQualcomm.isMeant(by: image.claims)
    switch device.world {
    case .qualcomm where isForQualcomm:
      say(.fits, "chip", "Both are of Huawei's Qualcomm era.")
    case .qualcomm:
      say(.doesNotFit, "chip", "It is for a Balong chip; this stick has a Qualcomm chip.")
    case .balongStick where isForQualcomm, .balongHiLink where isForQualcomm:
      say(.doesNotFit, "chip", "It is for a Qualcomm chip; this stick has a Balong chip.")
    case .balongStick, .balongHiLink: say(.fits, "chip", "Both are of the Balong chip family.")
    case .unknown: say(.unknown, "chip", "The stick does not tell its chip.")
    }
  }

  mutating func product() {
    guard maker == "huawei" else {
      if maker != nil, maker == device.vendor {
        say(.unknown, "product", "Only the plan compares files of this maker in full.")
      }
      return
    }
    let made = image.claims.products
    guard !made.isEmpty else {
      say(.unknown, "product", "The file does not say for which product it is.")
      return
    }
    let names = made.joined(separator: ", ")
    let known: [String]
    // In download mode the stick names the product itself; in normal mode the tables do.
    if device.mode == .download, let said = device.productID {
      known = [said]
    } else {
      known = DeviceCatalogue.huaweiBalong.products(
        model: device.model, hardware: device.hardware)
    }
    if known.isEmpty {
      say(
        .unknown, "product",
        "It is for \(names); which of these this stick takes is only known in download mode.")
    } else if made.allSatisfy({ product in
      known.contains { BalongProduct.matches(product, $0) }
    }) {
      say(.fits, "product", "It is for \(names), which this model takes.")
    } else {
      say(
        .doesNotFit, "product",
        "It is for \(names); this stick takes \(known.joined(separator: " or ")).")
    }
  }

  mutating func versions() {
    guard let after = image.claims.firmware else {
      say(.unknown, "version", "The file does not say which version it holds.")
      return
    }
    guard let before = device.firmware else {
      say(.unknown, "version", "The stick does not say which version it runs.")
      return
    }
    if after.isConfirmed(by: before) {
      isAlreadyThere = true
      sameCustomer = true
      say(.fits, "version", "The stick runs this version already.")
      return
    }
    guard let old = before.groups, let new = after.groups, let oldFamily = old.first,
      let newFamily = new.first
    else {
      // The plan warns of this and goes on; it is no reason against the file.
      say(.fits, "version", "The versions \(before) and \(after) cannot be compared.")
      return
    }
    if oldFamily != newFamily {
      say(
        .doesNotFit, "family",
        "The stick runs the \(oldFamily).x family, the file is of the \(newFamily).x family.")
      return
    }
    let target = FirmwareVersion(new.prefix(4).map(String.init).joined(separator: "."))
    let current = FirmwareVersion(old.prefix(4).map(String.init).joined(separator: "."))
    isOlder = target.isOlder(than: current) == true
    if isOlder {
      say(.doesNotFit, "version", "It is older (\(after)) than what runs (\(before)).")
    } else {
      say(.fits, "version", "It is not older than what runs (\(before)).")
    }
    customer(old, new)
  }

  private mutating func customer(_ old: [Int], _ new: [Int]) {
    guard old.count >= 5, new.count >= 5 else { return }
    sameCustomer = old[4] == new[4]
    say(
      .fits, "customer",
      sameCustomer == true
        ? "Both are builds for customer \(old[4])."
        : "The customer build changes from \(old[4]) to \(new[4]).")
  }
}
