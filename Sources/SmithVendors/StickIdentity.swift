public import SmithAT

/// Says who a stick is, whoever made it: `ATI` first, then the questions of its vendor.
public enum StickIdentity {
  /// Asks `ATI`, and everything else that sticks of that vendor know.
  public static func identify(over session: ATSession) async throws(ATError) -> DeviceReport {
    let report = try await GenericIdentity.identify(over: session)
    switch report.vendor {
    case "huawei": return try await HuaweiIdentity.identify(over: session)
    case "zte": return try await ZTEIdentity.complete(report, over: session)
    case "alcatel": return try await AlcatelIdentity.complete(report, over: session)
    default: return report
    }
  }
}
