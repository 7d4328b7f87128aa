public import SmithFormats
public import SmithLink
public import SmithModel

/// Every family that is known; the only list of them.
public enum Families {
  /// In the order in which a silent port is asked.
  public static let all: [any Family] = [
    HuaweiBalong(), SierraBoot(), ZTEStreaming(), QualcommFirehose(),
  ]

  /// Ways for files that go to the sticks of a family above: they ask no port of their own.
  private static let guests: [any Family] = [
    HuaweiDashboard(), HuaweiQualcomm(), SierraGobi(), SerialOnly("alcatel", AlcatelDialect()),
  ]

  /// The family that writes a file; nil if it can only be looked at.
  public static func taking(_ image: FirmwareImage) -> (any Family)? {
    (guests + all).first { $0.takes(image) }
  }

  /// The family that writes a file as firmware, whatever else is in it.
  public static func writing(_ image: FirmwareImage) -> (any Family)? {
    (guests.filter { !($0 is HuaweiDashboard) } + all).first { $0.takes(image) }
  }

  /// The family of that name, as journals keep it.
  public static func named(_ name: String) -> (any Family)? {
    (all + guests).first { $0.name == name }
  }

  /// The family whose dialect a stick of that vendor speaks.
  public static func speaking(as vendor: String?) -> (any Family)? {
    (all + guests).first { $0.vendor == vendor }
  }

  /// What our support of a stick rests on, as far as its USB id tells whose it is: `simulator` or
  /// `hardware`; nil for makers that no family is for.
  public static func evidence(for id: USBID) -> String? {
    let sheets = ModelSheet.modes(of: id).map(\.name)
    if let sheet = ModelSheet.huawei.first(where: { sheets.contains($0.name) }) {
      return sheet.evidence
    }
    return switch id.vendor {
    case 0x12d1: speaking(as: "huawei")?.evidence
    case 0x1199: speaking(as: "sierra")?.evidence
    case 0x19d2: ZTECatalogue.all.models.first?.evidence
    case 0x1bbb: AlcatelCatalogue.all.models.first?.evidence
    default: nil
    }
  }

  /// Asks a port what it is, the likeliest family first.
  ///
  /// - Parameter alone: whether no other family is asked: the stick is known, and what another
  ///   loader's questions do to a stick that is just starting is not.
  /// - Returns: the state, and the family whose loader answered, if one did.
  public static func state(over link: any ByteLink, likely: (any Family)?, alone: Bool)
    async throws(LinkError) -> (StickState, (any Family)?)
  {
    let others = alone && likely != nil ? [] : all.filter { $0.name != likely?.name }
    let order = (likely.map { [$0] } ?? []) + others
    for family in order {
      let state = try await family.state(over: link)
      if case .waiting(let loader) = state {
        // Another family may hear a loader before the one that speaks with it is asked.
        let owners = likely == nil ? guests + all : guests
        return (state, owners.first { $0.owns(loader) } ?? family)
      }
      if state != .silent { return (state, nil) }
    }
    return (.silent, nil)
  }
}
