public import SmithModel
public import SmithVendors

/// Settings of a page and of a backup.
public enum WebSettings {
  private static let network = "network mode"

  /// What the page has otherwise than the backup, in words.
  static func differing(_ saved: DeviceSettings, _ page: any StickPage) async throws(PageError)
    -> [String]
  {
    let now = try await page.settings()
    let profiles = (saved.profiles ?? []).filter { now.profiles?.contains($0) != true }
    let mode = saved.network == nil || saved.network == now.network ? [] : [network]
    return profiles.map { "APN profile \($0.id)" } + mode
  }

  /// Writes back what differs now; the owner has to allow what rests on inference.
  ///
  /// - Returns: what was left out, in words.
  /// - Throws: `plan.experimental`, and what pages throw.
  public static func restore(_ saved: DeviceSettings, to page: any StickPage, experimental: Bool)
    async throws(Trouble) -> [String]
  {
    do throws(PageError) {
      let differing = try await differing(saved, page)
      if differing.isEmpty { return [] }
      if experimental || page.profileInferences.isEmpty {
        return try await page.restore(saved).leftOut
      }
      // Only the form of profiles rests on inference.
      if differing == [network] {
        return try await page.restore(DeviceSettings(network: saved.network)).leftOut
      }
    } catch { throw error.trouble }
    throw WebPlan.experimental(page.profileInferences)
  }
}
