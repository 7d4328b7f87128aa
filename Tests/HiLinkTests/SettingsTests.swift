import SmithBench
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("HiLink: profiles") struct SettingsTests {
  typealias Profile = DeviceSettings.APNProfile

  /// What a stick had before an update took it away.
  private func saved() async throws -> DeviceSettings {
    let pair = await Pair { stick in
      stick.profiles.append(.init(index: 5, name: "Tom & <Jerry>", apn: "a.b"))
      stick.currentProfile = 2
    }
    return try await HiLinkSettings.read(over: pair.session())
  }

  @Test("Profiles are read with everything but passwords") func read() async throws {
    let settings = try await saved()
    #expect(settings.profiles?.map(\.name) == ["Operator", "Mine", "Tom & <Jerry>"])
    #expect(settings.profiles?[1].user == "me")
    #expect(settings.profiles?[0].isReadOnly == true)
    #expect(settings.defaultProfile == 2)
    #expect(!"\(settings)".contains("secret") && !"\(settings)".contains("***"))
  }

  @Test("What an update took away is written back; a second time there is nothing to do")
  func restore() async throws {
    let backup = try await saved()
    let pair = await Pair { stick in
      stick.profiles[1].fields["ApnName"] = "changed"
    }
    let first = try await HiLinkSettings.restore(backup, over: pair.session())
    #expect(
      first.restored == [
        "APN profile Mine", "APN profile Tom & <Jerry>", "default APN profile",
      ])
    #expect(
      first.leftOut == ["APN profile Mine: its password was never saved; enter it on the page"])
    expectRestored(pair.bus.body)
    let second = try await HiLinkSettings.restore(backup, over: pair.session())
    #expect(second == SettingsRestoration())
  }

  @Test("Network mode, bands and PIN state are kept, and the mode is written back")
  func networkMode() async throws {
    let pair = await Pair {
      $0.netMode = ["03", "2000000680380", "800C5"]
      $0.pin = "1234"
    }
    let saved = try await HiLinkSettings.read(over: pair.session())
    #expect(saved.network == .init(command: "net-mode", value: "03,2000000680380,800C5"))
    #expect(saved.bands == .init(mask: "2000000680380", lte: "800C5"))
    #expect(saved.pinState == "SIM PIN" && saved.pinRequired == true)
    let other = await Pair()
    let result = try await HiLinkSettings.restore(saved, over: other.session())
    #expect(result.restored.contains("network mode"))
    #expect(result.leftOut.contains { $0.hasPrefix("PIN: the SIM does not ask") })
    #expect(other.bus.body.netMode == ["03", "2000000680380", "800C5"])
    let again = try await HiLinkSettings.restore(saved, over: other.session())
    #expect(again.restored.isEmpty)
  }

  @Test("A network mode of another kind, or none that is numbers, is left out")
  func otherNetworkMode() async throws {
    for (command, value) in [
      ("SYSCFGEX", "00,3FFFFFFF,7F"), ("net-mode", "00,<x>,7F"), ("net-mode", "00"),
    ] {
      let pair = await Pair()
      let backup = DeviceSettings(network: .init(command: command, value: value))
      let result = try await HiLinkSettings.restore(backup, over: pair.session())
      #expect(result.leftOut == ["network mode: this page writes it in another way"])
      #expect(pair.bus.body.netMode == HuaweiHiLinkStick(.e3372h).netMode)
    }
    let pair = await Pair()
    let strange = DeviceSettings(network: .init(command: "net-mode", value: "99,1,1"))
    let refused = try await HiLinkSettings.restore(strange, over: pair.session())
    #expect(refused.leftOut.first?.contains("100005") == true)
  }

  @Test("A profile that is changed keeps the password that the stick shows") func password()
    async throws
  {
    let backup = try await saved()
    let pair = await Pair(.e303) { $0.profiles[1].fields["ApnName"] = "other" }
    let result = try await HiLinkSettings.restore(backup, over: pair.session())
    #expect(result.restored.contains("APN profile Mine"))
    #expect(result.leftOut == [])
    #expect(pair.bus.body.profiles[1].fields["Password"] == "secret")
    #expect(pair.bus.body.profiles[1].fields["ApnName"] == "my.apn")
  }

  @Test("A full stick, a read-only profile and strange characters are reported, not forced")
  func leftOut() async throws {
    var backup = DeviceSettings(profiles: [])
    var own = Profile(id: 1, type: "IP", apn: "gone")
    own.name = "Firmware's own"
    own.isReadOnly = true
    var strange = Profile(id: 2, type: "IP", apn: "a\nb")
    strange.name = "strange"
    var extra = Profile(id: 3, type: "IP", apn: "extra")
    extra.name = "extra"
    backup.profiles = [own, strange, extra]
    let pair = await Pair { stick in
      for index in 3...10 {
        stick.profiles.append(.init(index: index, name: "p\(index)", apn: "x"))
      }
    }
    let result = try await HiLinkSettings.restore(backup, over: pair.session())
    #expect(result.restored == [])
    #expect(result.leftOut.count == 3)
    #expect(result.leftOut.last?.contains("100006") == true)
  }

  @Test("Cut at every request, before and after the stick acted: the next try ends where it should")
  func cuts() async throws {
    let backup = try await saved()
    var requests = 0
    do {
      let pair = await Pair(change: lose)
      _ = try await HiLinkSettings.restore(backup, over: pair.session())
      requests = pair.link.requests
    }
    #expect(requests > 5)
    for cut in 1...requests {
      for (after, power) in [(false, false), (true, false), (false, true), (true, true)] {
        var weather = WebWeather()
        weather.cutAtRequest = cut
        weather.cutAfterActing = after
        weather.cutIsPower = power
        let pair = await Pair(weather: weather, change: lose)
        await #expect(throws: HiLinkError.page(.gone), "cut \(cut) \(after) \(power)") {
          _ = try await HiLinkSettings.restore(backup, over: pair.session())
        }
        await pair.calm()
        _ = try await HiLinkSettings.restore(backup, over: pair.session())
        expectRestored(pair.bus.body, "cut \(cut) \(after) \(power)")
      }
    }
  }

  @Test(
    "In any weather the stick never holds a profile twice, and calm weather ends it",
    arguments: 0..<200)
  func weather(_ seed: UInt64) async throws {
    let backup = try await saved()
    // TCP has checksums: nothing is changed on the way.
    var weather = WebWeather(seed: seed, requests: 12)
    weather.garble = 0
    let pair = await Pair(weather: weather, seed: seed)
    for _ in 0..<3 { _ = try? await HiLinkSettings.restore(backup, over: pair.session()) }
    await pair.calm()
    _ = try await HiLinkSettings.restore(backup, over: pair.session())
    let names = pair.bus.body.profiles.compactMap { $0.fields["Name"] }
    #expect(Set(names).count == names.count, "seed \(seed)")
    #expect(names.contains("Tom & <Jerry>"), "seed \(seed)")
  }

  /// One profile is gone, one is another.
  private func lose(_ stick: inout HuaweiHiLinkStick) {
    stick.profiles[1].fields["ApnName"] = "changed"
  }

  private func expectRestored(_ stick: HuaweiHiLinkStick, _ what: String = "") {
    let names = stick.profiles.compactMap { $0.fields["Name"] }
    #expect(names == ["Operator", "Mine", "Tom & <Jerry>"], "\(what)")
    #expect(stick.profiles.last?.fields["ApnName"] == "a.b", "\(what)")
    let current = stick.profiles.first { $0.index == stick.currentProfile }
    #expect(current?.fields["Name"] == "Mine", "\(what)")
  }
}
