import Foundation
import SmithEngine
import SmithFleet
import SmithModel
import Testing

/// Texts of policies.
enum PolicySamples {
  static let sum = String(repeating: "ab", count: 32)

  /// A good policy with other text in one place.
  static func text(
    head: String = "", rule: String = "", sticks: String = "model: 'E3131'",
    image: String = "sha256: '\(sum)', version: '21.157.99.00.00'"
  ) -> String {
    """
    { // a policy
      modemsmith: 'fleet-policy/1', name: 'spring',
      \(head)
      rules: [{ name: 'one', sticks: { \(sticks) }, image: { \(image) }, \(rule) }],
    }
    """
  }

  static func code(_ text: String) -> (code: String, summary: String)? {
    do throws(Trouble) {
      _ = try FleetPolicy(Data(text.utf8))
      return nil
    } catch { return (error.code, error.summary) }
  }
}

@Suite("A policy") struct PolicyTests {
  @Test("says everything that it can say") func whole() throws {
    let policy = try FleetPolicy(
      Data(
        PolicySamples.text(
          head: """
            dryRun: true, maxFailures: 3, power: { mains: true, leastBattery: 40 },
            windows: [{ days: ['sat', 'sun'], from: '22:00', to: '04:30' }, { from: '00:00', to: '24:00' }],
            """,
          rule: "allowDowngrade: true, reinstall: true, experimental: true, acceptUnknown: true,",
          sticks: "model: ['E3131', 'E3372'], place: '1-2', imeiHash: ['\(PolicySamples.sum)']"
        ).utf8))
    #expect(policy.name == "spring" && policy.dryRun && policy.maxFailures == 3)
    #expect(policy.power == FleetPolicy.Power(mains: true, leastBattery: 40))
    #expect(policy.windows[0] == FleetPolicy.Window(days: [6, 7], from: 1320, to: 270))
    #expect(policy.windows[1] == FleetPolicy.Window(days: Set(1...7), from: 0, to: 1440))
    let rule = try #require(policy.rules.first)
    #expect(rule.sticks.models == ["E3131", "E3372"] && rule.sticks.places == ["1-2"])
    #expect(rule.allowed.allowDowngrade && rule.allowed.reinstall && rule.acceptUnknown)
    #expect(rule.version == FirmwareVersion("21.157.99.00.00"))
    #expect(policy.sha256.count == 64)
  }

  @Test(
    "that is no JSON5 is not read",
    arguments: [
      "", "\u{0}", "{", "<html>", "nonsense", String(repeating: "[", count: 100_000),
      String(repeating: "{a:", count: 100_000), "\u{feff}",
    ])
  func unreadable(text: String) {
    let found = PolicySamples.code(text)
    #expect(
      found?.code == "fleet.policy-unreadable" || found?.code == "fleet.policy-invalid",
      "\(text.prefix(20))")
  }

  @Test("that is too long is not read") func long() {
    let text = PolicySamples.text() + String(repeating: " ", count: FleetPolicy.longest)
    #expect(PolicySamples.code(text)?.code == "fleet.policy-unreadable")
    #expect(PolicySamples.code("nonsense")?.code == "fleet.policy-unreadable")
  }

  static let hostile: [(String, String)] = [
    ("[]", ""), ("{}", "modemsmith"), ("{modemsmith: 'fleet-policy/2'}", "modemsmith"),
    ("{modemsmith: 7}", "modemsmith"),
    (PolicySamples.text(head: "dryrun: true,"), "dryrun"),
    (PolicySamples.text(head: "dryRun: 'yes',"), "dryRun"),
    (PolicySamples.text(head: "dryRun: null,"), "dryRun"),
    (PolicySamples.text(head: "maxFailures: 0,"), "maxFailures"),
    (PolicySamples.text(head: "maxFailures: 1e99,"), ""),
    (PolicySamples.text(head: "maxFailures: -9223372036854775809,"), ""),
    (PolicySamples.text(head: "power: { battery: 3 },"), "power.battery"),
    (PolicySamples.text(head: "power: { leastBattery: 101 },"), "power.leastBattery"),
    (PolicySamples.text(head: "windows: [{ from: '1:00', to: '02:00' }],"), "windows[0].from"),
    (PolicySamples.text(head: "windows: [{ from: '01:00', to: '25:00' }],"), "windows[0].to"),
    (PolicySamples.text(head: "windows: [{ from: '01:00', to: '01:00' }],"), "windows[0].to"),
    (PolicySamples.text(head: "windows: [{ days: ['Mo'], from: '01:00', to: '02:00' }],"), "days"),
    (PolicySamples.text(rule: "force: ['family'],"), "rules[0].force"),
    (PolicySamples.text(sticks: ""), "rules[0].sticks"),
    (PolicySamples.text(sticks: "modell: 'E3131'"), "rules[0].sticks.modell"),
    (PolicySamples.text(sticks: "imei: '004999010640000'"), "rules[0].sticks.imei"),
    (PolicySamples.text(sticks: "imeiHash: 'abcd'"), "imeiHash"),
    (PolicySamples.text(sticks: "model: ['E3131\\u001b[2J']"), "model"),
    (PolicySamples.text(sticks: "model: [7]"), "model"),
    (PolicySamples.text(image: "sha256: 'abc', version: '1'"), "image.sha256"),
    (PolicySamples.text(image: "sha256: '\(PolicySamples.sum)'"), "image.version"),
    (PolicySamples.text(image: "path: '/tmp/x', version: '1'"), "image.path"),
    (
      "{modemsmith: 'fleet-policy/1', name: 'x', rules: []}", "rules"
    ),
    (
      "{modemsmith: 'fleet-policy/1', name: 'x\\u202ey', rules: []}", "name"
    ),
  ]

  @Test("that says something without meaning is refused, and the place is named")
  func invalid() {
    #expect(PolicySamples.code(PolicySamples.text()) == nil)
    for (text, place) in Self.hostile {
      let found = PolicySamples.code(text)
      if place.isEmpty {
        #expect(found != nil, "\(text)")
      } else {
        #expect(found?.code == "fleet.policy-invalid", "\(text)")
        #expect(found?.summary.contains(place) == true, "\(place): \(found?.summary ?? "")")
      }
      #expect(found?.summary.contains("\u{1b}") == false)
    }
  }

  @Test("survives every cut and a thousand damaged letters") func damaged() {
    let text = Array(PolicySamples.text(head: "maxFailures: 2,").utf8)
    for count in 0..<(text.count - 20) {
      #expect(PolicySamples.code(String(decoding: text[..<count], as: UTF8.self)) != nil)
    }
    var seed: UInt64 = 11
    for _ in 0..<1000 {
      var other = text
      seed = seed &* 6_364_136_223_846_793_005 &+ 1
      other[Int(seed >> 33) % other.count] = UInt8(truncatingIfNeeded: seed >> 25)
      if let found = PolicySamples.code(String(decoding: other, as: UTF8.self)) {
        #expect(found.code.hasPrefix("fleet.policy-"), "seed \(seed)")
      }
    }
  }

  @Test("has windows that wrap around midnight and belong to the day on which they begin")
  func windows() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    // Monday, 5 January 2026.
    func moment(_ day: Int, _ hour: Int, _ minute: Int) -> Date {
      Date(timeIntervalSince1970: 1_767_571_200 + Double(day * 86_400 + hour * 3600 + minute * 60))
    }
    let night = FleetPolicy.Window(days: [1], from: 22 * 60, to: 4 * 60)
    for (day, hour, minute, holds) in [
      (0, 21, 59, false), (0, 22, 0, true), (0, 23, 59, true), (1, 0, 0, true), (1, 3, 59, true),
      (1, 4, 0, false), (1, 22, 0, false), (0, 3, 0, false),
    ] {
      #expect(night.holds(moment(day, hour, minute), calendar) == holds, "\(day) \(hour):\(minute)")
    }
    let morning = FleetPolicy.Window(days: [7], from: 60, to: 120)
    #expect(morning.holds(moment(6, 1, 0), calendar))
    #expect(!morning.holds(moment(6, 2, 0), calendar) && !morning.holds(moment(0, 1, 0), calendar))
  }
}
