import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Updates through a ZTE page") struct ZTEUpdateTests {
  static let new = "BD_O2MF667V1.0.0B09"

  private func file(_ version: String = new, model: String = "MF667") -> WebSource {
    .file(
      path: "mf667.bin",
      bytes: SharedBytes(SamplePageFile.bytes(model: model, version: version)),
      expecting: FirmwareVersion(version))
  }

  @Test("A file goes up, the stick restarts, and its new version is read back")
  func whole() async throws {
    let outcome = await WebTrial(ZTEStick(), file()).run()
    #expect(outcome.first.verdict == .updated)
    #expect(outcome.first.after?.text == Self.new)
    #expect(outcome.first.trouble == nil)
    #expect(outcome.first.bytes == 200_000)
    #expect(outcome.stick.uploads == 1)
    #expect(outcome.first.backup != nil)
    let progress = outcome.events.compactMap { event -> Int? in
      if case .progress(let progress) = event { return progress.bytes }
      return nil
    }
    #expect(progress == progress.sorted())
    #expect(progress.last == 200_000)
    #expect(outcome.records.last == .ended(.updated))
  }

  @Test("A stick that does not restart by itself is told to") func restart() async throws {
    var options = ZTEStick.Options()
    options.restartsItself = false
    let outcome = await WebTrial(ZTEStick(options: options), file()).run()
    #expect(outcome.first.verdict == .updated)
  }

  @Test("Cut at any request, an update ends well or is resumed", arguments: [false, true])
  func cuts(power: Bool) async throws {
    let calm = await WebTrial(ZTEStick(), file()).run()
    #expect(calm.requests > 8)
    for request in 1...calm.requests {
      for acted in [false, true] {
        var trial = WebTrial(ZTEStick(), file())
        trial.weather.cutAtRequest = request
        trial.weather.cutAfterActing = acted
        trial.weather.cutIsPower = power
        let outcome = await trial.run()
        let note = "request \(request), acted \(acted), power \(power): \(outcome.last)"
        let began = outcome.records.contains(.itemBegan(0))
        if began {
          #expect(outcome.last.verdict == .updated, "\(note)")
          #expect(outcome.stick.firmware == Self.new, "\(note)")
        } else {
          #expect(outcome.stick.firmware == "BD_O2MF667V1.0.0B03", "\(note)")
          #expect(outcome.last.verdict != .needsRescue, "\(note)")
        }
        #expect(outcome.stick.complaints.isEmpty, "\(note)")
      }
    }
  }

  @Test("A stick that a cut killed is never called updated") func dead() async throws {
    var options = ZTEStick.Options()
    options.diesWhenCut = true
    let calm = await WebTrial(ZTEStick(options: options), file()).run()
    for request in 1...calm.requests {
      var trial = WebTrial(ZTEStick(options: options), file())
      trial.weather.cutAtRequest = request
      trial.weather.cutAfterActing = true
      trial.weather.cutIsPower = true
      let outcome = await trial.run()
      if outcome.stick.isDead { #expect(outcome.last.verdict == .unknown, "\(request)") }
    }
  }

  @Test("The stick's own update needs no file") func online() async throws {
    var options = ZTEStick.Options()
    options.offered = Self.new
    let outcome = await WebTrial(ZTEStick(options: options), .online).run()
    #expect(outcome.first.verdict == .updated, "\(outcome.first)")
    #expect(outcome.stick.firmware == Self.new)
    let none = await WebTrial(ZTEStick(), .online).run()
    #expect(none.first.verdict == .unchanged)
    #expect(none.first.trouble == nil)
    #expect(none.first.exitCode == .nothingToDo)
  }

  @Test("An upload rests on inference and says so before anything is sent") func inference()
    async throws
  {
    var trial = WebTrial(ZTEStick(), file())
    trial.policy.experimental = false
    let outcome = await trial.run()
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.first.trouble?.code == "plan.experimental")
    #expect(outcome.first.trouble?.facts.isEmpty == false)
    #expect(outcome.stick.uploads == 0)
  }

  @Test("What is not for this stick is refused before anything is sent") func refusals()
    async throws
  {
    let other = await WebTrial(ZTEStick(), file(model: "MF999")).run()
    // The version names the project, and MF667 is in it: only a foreign file has neither.
    #expect(other.first.verdict == .updated)
    let noise = (0..<9000).map { UInt8(truncatingIfNeeded: $0 * 31 / 4) | 0x80 }
    let foreign = WebSource.file(path: "x.bin", bytes: SharedBytes(noise), expecting: nil)
    let unknown = await WebTrial(ZTEStick(), foreign).run()
    #expect(unknown.first.trouble?.code == "plan.product-unknown")
    let old = await WebTrial(ZTEStick(), file("BD_O2MF667V1.0.0B01")).run()
    #expect(old.first.trouble?.code == "plan.downgrade")
    let page = WebSource.file(
      path: "x.bin", bytes: SharedBytes(Array("<!DOCTYPE html><html>gone</html>".utf8)),
      expecting: nil)
    let html = await WebTrial(ZTEStick(), page).run()
    #expect(html.first.trouble?.code == "file.web-page")
    #expect([unknown, old, html].allSatisfy { $0.stick.uploads == 0 })
  }

  @Test("A file that the stick refuses leaves the old firmware, and is said so") func refused()
    async throws
  {
    var bytes = SamplePageFile.bytes(model: "MF667", version: "x")
    bytes.replaceSubrange(10..<30, with: [UInt8](repeating: 0x2e, count: 20))
    let source = WebSource.file(
      path: "x.bin", bytes: SharedBytes(bytes), expecting: nil)
    var trial = WebTrial(ZTEStick(), source)
    trial.policy.forced = [.productUnknown]
    let outcome = await trial.run()
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.first.trouble?.code == "webui.upload-refused")
    #expect(outcome.first.exitCode == .stillWorks)
  }

  @Test("A page without a place for firmware, or with a wrong password, is left alone")
  func noPlace() async throws {
    var options = ZTEStick.Options()
    options.offersUpload = false
    let outcome = await WebTrial(ZTEStick(options: options), file()).run()
    #expect(outcome.first.trouble?.code == "webui.no-upload")
    options.password = "right"
    var trial = WebTrial(ZTEStick(options: options), file())
    trial.password = "wrong"
    #expect(await trial.run().first.trouble?.code == "webui.password-wrong")
  }

  @Test("A file that does not say its version is a change, never called an update") func unnamed()
    async throws
  {
    let bytes = SharedBytes(SamplePageFile.bytes(model: "MF667", version: Self.new))
    let source = WebSource.file(path: "x.bin", bytes: bytes, expecting: nil)
    let outcome = await WebTrial(ZTEStick(), source).run()
    #expect(outcome.stick.firmware == Self.new)
    #expect(outcome.first.verdict == .unknown)
    #expect(outcome.first.trouble?.code == "update.unverified")
    #expect(outcome.first.trouble?.summary.contains("it changed and runs \(Self.new)") == true)
    #expect(outcome.first.exitCode == .unknown)
    // Another version than the one that was named is none either.
    let named = WebSource.file(path: "x.bin", bytes: bytes, expecting: FirmwareVersion("BD_X"))
    #expect(await WebTrial(ZTEStick(), named).run().first.verdict == .unknown)
  }

  @Test("An offer without a version counts if the stick itself says so", arguments: [true, false])
  func word(tells: Bool) async throws {
    var options = ZTEStick.Options()
    options.offered = Self.new
    options.tellsResult = tells
    let outcome = await WebTrial(ZTEStick(options: options), .online).run()
    #expect(outcome.stick.firmware == Self.new)
    #expect(outcome.first.verdict == (tells ? .updated : .unknown))
    guard case .planned(let header)? = outcome.records.first else {
      Issue.record("nothing was planned")
      return
    }
    #expect(header.plan.cannotVerify.contains { $0.contains("version") })
  }

  @Test("A resumed update has the owner's own leave and no other") func policy() async throws {
    var trial = WebTrial(ZTEStick(), file())
    trial.policy.allowDowngrade = true
    let calm = await trial.run()
    guard case .planned(let header)? = calm.records.first else {
      Issue.record("nothing was planned")
      return
    }
    #expect(header.policy == trial.policy)
    for policy in [Policy(), nil] {
      let bus = VirtualBus(ZTEStick())
      await bus.pause(.seconds(30))
      let link = VirtualWebLink(bus)
      var other = header
      other.policy = policy
      other.identity = nil
      let journal = MemoryJournal([.planned(other)])
      let report = await WebUpdater(
        door: WebDoor(link: link, host: "192.168.0.1", address: "http://192.168.0.1"),
        owner: TrialOwner(),
        surroundings: Surroundings(
          newJournal: { () throws(Trouble) in journal }, backups: .memory(), tool: "trial")
      ).resume(file(), other, journal.records, journal: journal)
      #expect(report.trouble?.code == "plan.experimental")
      #expect(bus.body.uploads == 0)
    }
  }

  @Test("Profiles whose form is a guess are written with the owner's leave only") func profiles()
    async throws
  {
    let bus = VirtualBus(ZTEStick())
    await bus.pause(.seconds(30))
    let page = try await StickPages.find(VirtualWebLink(bus), host: "192.168.0.1").page
    let saved = try await page.settings()
    #expect(try await WebSettings.restore(saved, to: page, experimental: false) == [])
    bus.withBody { $0.profiles[0]?.apn = "lost" }
    do throws(Trouble) {
      _ = try await WebSettings.restore(saved, to: page, experimental: false)
      Issue.record("it was written")
    } catch {
      #expect(error.code == "plan.experimental" && error.facts == page.profileInferences)
    }
    #expect(bus.body.profiles[0]?.apn == "lost")
    #expect(try await WebSettings.restore(saved, to: page, experimental: true) == [])
    #expect(bus.body.profiles[0]?.apn == "internet")
  }

  @Test(
    "The plan names the guess, or says that profiles are only compared", arguments: [true, false])
  func named(experimental: Bool) async throws {
    var options = ZTEStick.Options()
    options.offered = Self.new
    var trial = WebTrial(ZTEStick(options: options), .online)
    trial.policy.experimental = experimental
    let outcome = await trial.run()
    #expect(outcome.first.verdict == .updated)
    guard case .planned(let header)? = outcome.records.first else {
      Issue.record("nothing was planned")
      return
    }
    #expect(header.plan.stages.contains(.restoreSettings) == experimental)
    #expect(header.plan.inferences.contains { $0.contains("APN_PROC_EX") } == experimental)
    #expect(header.plan.warnings.contains { $0.contains("--experimental") } == !experimental)
  }

  @Test("A profile with a script in its name is not taken") func strangeProfile() async throws {
    let bus = VirtualBus(ZTEStick())
    await bus.pause(.seconds(30))
    bus.withBody { $0.profiles[0]?.name = "<script>x</script>" }
    let page = try await StickPages.find(VirtualWebLink(bus), host: "192.168.0.1").page
    await #expect(throws: PageError.strangeText(field: "APN_config0")) {
      _ = try await page.settings()
    }
  }
}
