public import SmithModel
public import SmithVendors

/// Connection profiles of a page and of a backup.
public enum WebSettings {
  /// Profiles of the backup that the page has otherwise, in words.
  static func differing(_ saved: DeviceSettings, _ page: any StickPage) async throws(PageError)
    -> [String]
  {
    let now = try await page.settings().profiles ?? []
    return (saved.profiles ?? []).filter { !now.contains($0) }.map { "APN profile \($0.id)" }
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
      if differing.isEmpty && saved.network == nil { return [] }
      if experimental || page.profileInferences.isEmpty {
        return try await page.restore(saved).leftOut
      }
    } catch { throw error.trouble }
    throw WebPlan.experimental(page.profileInferences)
  }
}
