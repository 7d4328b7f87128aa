import SmithFormats
import SmithModel
public import SmithVendors

/// Whether a stick should be updated at all, in two lists; "no, leave it" is a normal answer.
public struct Advice: Sendable, Equatable {
  /// The one word.
  public enum Answer: String, Sendable, Codable, CaseIterable {
    /// There is a reason to, and nothing against it.
    case update
    /// No, leave it.
    case leaveIt = "leave-it"
    /// It would do harm, or cannot work.
    case doNot = "do-not"
  }

  /// One line of a list.
  public struct Point: Sendable, Equatable {
    /// Stable name, as in `drops`.
    public var name: String
    /// One sentence.
    public var text: String
    /// Whether it is so for this stick; nil if nobody told and it cannot be read.
    public var holds: Bool?

    /// Gathers the parts.
    public init(_ name: String, _ text: String, _ holds: Bool?) {
      self.name = name
      self.text = text
      self.holds = holds
    }
  }

  /// What the owner says of the stick in daily use.
  public enum Complaint: String, Sendable, Codable, CaseIterable {
    /// The connection drops.
    case drops
    /// The signal is weak where telephones have a good one.
    case weakSignal = "weak-signal"
    /// It is slower than the network allows.
    case slow
    /// It gets hot.
    case hot
    /// The operator's software or lock is in the way.
    case branding
    /// A security hole that the new version is known to close.
    case security
  }

  /// What is known beyond the stick's own answers.
  public struct Circumstances: Sendable, Equatable {
    /// What the owner complains of.
    public var complaints: Set<Complaint>
    /// The file that was asked about, if there is one.
    public var image: ImageFacts?
    /// How a file fits that only the stick's page can read; in place of ``image``.
    public var fit: Fit?
    /// Whether a way back is known if the update breaks off.
    public var canRecover: Bool
    /// What the route's support rests on: `simulator` or `hardware`; nil without a route.
    public var evidence: String?
    /// What cannot be saved first, in words.
    public var cannotBackUp: [String]

    /// Gathers the parts.
    public init(
      complaints: Set<Complaint> = [], image: ImageFacts? = nil, canRecover: Bool = true,
      evidence: String? = nil, cannotBackUp: [String] = []
    ) {
      self.complaints = complaints
      self.image = image
      self.canRecover = canRecover
      self.evidence = evidence
      self.cannotBackUp = cannotBackUp
    }
  }

  /// The answer.
  public var answer: Answer
  /// One sentence with the reason.
  public var summary: String
  /// "Only update if ...".
  public var onlyIf: [Point]
  /// "Do not update if ...".
  public var doNotIf: [Point]
  /// What would be different afterwards, and what it rests on.
  public var consequences: [String]
  /// How the file fits; nil without a file.
  public var fit: Fit?

  /// Weighs what is known; pure.
  public static func about(_ device: DeviceReport, _ known: Circumstances) -> Advice {
    let fit = known.fit ?? known.image.map { Fit.judge($0, device) }
    let reasons = reasons(device, known, fit)
    let obstacles = obstacles(device, known, fit)
    let against = obstacles.filter { $0.holds == true }
    let reason = reasons.first { $0.holds == true }
    let answer: Answer
    let summary: String
    if let first = against.first {
      answer = Self.isGrave(first) ? .doNot : .leaveIt
      summary = answer == .doNot ? "No, do not: \(first.text)" : "No, leave it: \(first.text)"
    } else if fit?.isAlreadyThere == true {
      answer = .leaveIt
      summary = "No, leave it: the stick runs this version already."
    } else if let reason {
      if fit == nil {
        answer = .leaveIt
        summary = "Not yet: \(reason.text) But there is no file; look for one that fits first."
      } else if fit?.answer == .unknown {
        answer = .leaveIt
        summary = "Not yet: \(reason.text) But it is not certain that the file is for this stick."
      } else {
        answer = .update
        summary = "Yes, it may help: \(reason.text)"
      }
    } else {
      answer = .leaveIt
      summary = "No, leave it: it works, and nothing is known that an update would mend."
    }
    return Advice(
      answer: answer, summary: summary, onlyIf: reasons, doNotIf: obstacles,
      consequences: consequences(device, known, fit), fit: fit)
  }

  /// Whether a point forbids the update rather than making it pointless.
  private static func isGrave(_ point: Point) -> Bool {
    ["does-not-fit", "known-bad", "identity", "recovery"].contains(point.name)
  }

  // MARK: Only update if

  private static func reasons(_ device: DeviceReport, _ known: Circumstances, _ fit: Fit?)
    -> [Point]
  {
    func told(_ complaint: Complaint) -> Bool? { known.complaints.contains(complaint) ? true : nil }
    let weak = device.signal.map { $0.dBm <= -103 }
    // A weak signal by itself is the place's fault until the owner says that others do better.
    let weakness = told(.weakSignal)
    var points = [
      Point("drops", "The connection drops again and again.", told(.drops)),
      Point(
        "weak-signal",
        weak == true
          ? "The signal is weak (\(device.signal?.dBm ?? 0) dBm), and other devices do better here."
          : "The signal is weak where other devices have a good one.", weakness),
      Point("slow", "It is slower than the network allows, on a computer of its own.", told(.slow)),
      Point("hot", "It gets hot and stops.", told(.hot)),
      Point(
        "security", "The new version is known to close a hole that matters to you.",
        told(.security)),
      Point("branding", "The operator's build keeps you from using it.", told(.branding)),
    ]
    for complaint in device.complaints {
      points.append(Point("complaint", "The stick itself says: \(complaint).", true))
    }
    if device.registration == .denied {
      points.append(
        Point("denied", "The network refuses the stick, and the SIM works elsewhere.", nil))
    }
    return points
  }

  // MARK: Do not update if

  private static func obstacles(_ device: DeviceReport, _ known: Circumstances, _ fit: Fit?)
    -> [Point]
  {
    var points: [Point] = [
      Point(
        "identity", "The stick cannot tell its IMEI: its identity data may be damaged.",
        device.identityDamaged || device.imei?.looksLost == true),
      Point("recovery", "No way back is known if the update breaks off.", !known.canRecover),
      Point("route", "This tool knows no safe way to update this model.", known.evidence == nil),
      Point(
        "power", "The computer may lose power in the next half hour, or the USB port is shaky.",
        nil),
    ]
    if let bad = known.image?.knownBad {
      points.insert(Point("known-bad", "The file is marked as bad: \(bad)", true), at: 0)
    }
    if let fit, fit.answer == .doesNotFit {
      let why = fit.reasons.first { $0.answer == .doesNotFit && $0.about != "known-bad" }
      if let why, why.about == "version" {
        points.append(Point("older", "The file is older than what runs: \(why.text)", true))
      } else if let why {
        points.insert(
          Point("does-not-fit", "The file is not for this stick: \(why.text)", true), at: 0)
      }
    }
    let pairing: String? = known.image.flatMap { Self.pairing(device, $0) }
    points.append(
      Point(
        "pairing", pairing ?? "Firmware and dashboard or web page would no longer go together.",
        known.image == nil ? nil : pairing != nil))
    points.append(
      Point("works", "It works well for you, and you only want the newest number.", nil))
    return points
  }

  /// Why what is on the stick would not go with the new firmware; nil if nothing is known.
  private static func pairing(_ device: DeviceReport, _ image: ImageFacts) -> String? {
    guard device.world == .balongHiLink, let old = device.webInterface,
      image.claims.webInterface == nil, let after = image.claims.firmware,
      let before = device.firmware, let new = after.groups?.first, new != before.groups?.first
    else { return nil }
    return "The web page on the stick (\(old)) belongs to firmware \(before), not to \(after)."
  }

  // MARK: Consequences

  private static func consequences(_ device: DeviceReport, _ known: Circumstances, _ fit: Fit?)
    -> [String]
  {
    var lines: [String] = []
    if fit?.sameCustomer == false {
      lines.append(
        "Another customer's build comes in: its branding, settings and lock rules come with it.")
    }
    switch device.simLock?.status {
    case .codeNeeded:
      lines.append("The operator lock stays: an update does not unlock the stick.")
    case .blocked:
      lines.append("The lock is used up for good: an update does not reset its counter.")
    case .noCodeNeeded:
      lines.append("An operator's build may lock the stick again for other SIM cards.")
    case .unknown, nil: break
    }
    if known.image?.claims.dashboard == nil, let dashboard = device.dashboard {
      lines.append("The program on the stick's CD stays as it is (\(dashboard)).")
    }
    lines.append("APN settings may be reset; they are saved first and written back.")
    lines += known.cannotBackUp.map { "Not saved first: \($0)." }
    switch known.evidence {
    case "hardware": lines.append("This route was used on real sticks.")
    case "simulator":
      lines.append("This route was tried against simulated sticks only, never on a real one.")
    default: break
    }
    return lines
  }
}
