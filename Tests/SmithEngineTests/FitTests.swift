import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Fit") struct FitTests {
  private func device(_ personality: HuaweiBalongStick.Personality) -> DeviceReport {
    var report = DeviceReport()
    report.vendor = "huawei"
    report.manufacturer = "huawei"
    report.model = personality.model
    report.hardware = personality.hardware
    report.firmware = FirmwareVersion("21.157.31.00.00")
    report.world = .balongStick
    report.mode = .normal
    return report
  }

  @Test("The fit says what the plan says, for every pair that can be tried") func agreement() throws
  {
    let versions = [
      "21.157.99.00.00", "21.157.31.00.00", "21.100.00.00.00", "22.157.99.00.00",
      "21.157.99.00.264",
    ]
    var seen: Set<Fit.Answer> = []
    for mine in HuaweiBalongStick.Personality.all {
      for change in 0..<6 {
        var report = device(mine)
        switch change {
        case 1: report.vendor = "zte"
        case 2: report.world = .qualcomm
        case 3: report.hardware = nil
        case 4: report.model = "E9999"
        case 5: report.firmware = nil
        default: break
        }
        let subject = Subject(place: .usb("1-1"), state: .normal, report: report)
        for theirs in HuaweiBalongStick.Personality.all {
          for version in versions {
            let image = try Scenes.package(theirs, version: version)
            let fit = Fit.judge(ImageFacts(image.image), report)
            seen.insert(fit.answer)
            let refused: String?
            do throws(Trouble) {
              _ = try Planner.plan(image, subject, policy: Policy())
              refused = nil
            } catch { refused = error.code }
            let isRefused = fit.answer == .doesNotFit
            if fit.answer == .fits { #expect(refused == nil) }
            #expect(
              (refused != nil) == isRefused,
              "\(mine.name) \(change) \(theirs.name) \(version): \(refused ?? "planned") \(fit)")
          }
        }
      }
    }
    #expect(seen == Set(Fit.Answer.allCases))
  }

  @Test("Every reason is given, not only the first") func reasons() throws {
    var report = device(.e3131)
    report.world = .qualcomm
    let image = try Scenes.package(.e3372h, version: "22.180.99.00.00")
    let fit = Fit.judge(ImageFacts(image.image, knownBad: "bricks"), report)
    #expect(fit.answer == .doesNotFit)
    #expect(fit.objections.map(\.about) == ["known-bad", "chip", "product", "family"])
  }

  @Test("Files of other makers and of no known maker are told apart") func makers() {
    func judge(_ format: String) -> Fit {
      Fit.judge(
        ImageFacts(format: format, kinds: [.firmware], claims: ImageClaims()), device(.e3131))
    }
    #expect(judge("sierra-cwe").answer == .doesNotFit)
    #expect(judge("mbn").answer == .unknown)
    var nobody = DeviceReport()
    #expect(
      Fit.judge(ImageFacts(format: "balong", kinds: [.firmware], claims: ImageClaims()), nobody)
        .answer == .unknown)
    nobody.manufacturer = "Novatel"
    #expect(
      Fit.judge(ImageFacts(format: "balong", kinds: [.firmware], claims: ImageClaims()), nobody)
        .answer == .doesNotFit)
    let dashboard = ImageFacts(format: "balong", kinds: [.dashboard], claims: ImageClaims())
    #expect(Fit.judge(dashboard, device(.e3131)).answer == .doesNotFit)
  }
}

@Suite("Advice") struct AdviceTests {
  private func device() -> DeviceReport {
    var report = DeviceReport()
    report.vendor = "huawei"
    report.model = "E3131"
    report.hardware = "CH1E3531SM Ver.A"
    report.firmware = FirmwareVersion("21.157.31.00.00")
    report.world = .balongStick
    report.mode = .normal
    return report
  }

  private func image(_ version: String) -> ImageFacts {
    ImageFacts(
      format: "balong", kinds: [.firmware],
      claims: ImageClaims(products: ["E3531"], firmware: FirmwareVersion(version)))
  }

  private func advise(
    _ change: (inout Advice.Circumstances) -> Void = { _ in }, on device: DeviceReport? = nil
  ) -> Advice {
    var known = Advice.Circumstances(evidence: "simulator")
    change(&known)
    return Advice.about(device ?? self.device(), known)
  }

  @Test("A stick that works is left alone") func works() {
    let advice = advise()
    #expect(advice.answer == .leaveIt)
    #expect(advice.summary.hasPrefix("No, leave it"))
    #expect(advice.onlyIf.allSatisfy { $0.holds != true })
    #expect(advise { $0.image = image("21.157.99.00.00") }.answer == .leaveIt)
  }

  @Test("A reason and a file that fits make a yes") func yes() {
    let advice = advise {
      $0.complaints = [.drops]
      $0.image = image("21.157.99.00.00")
    }
    #expect(advice.answer == .update)
    #expect(advice.fit?.answer == .fits)
    #expect(advice.onlyIf.first { $0.name == "drops" }?.holds == true)
    #expect(advice.consequences.contains { $0.contains("simulated") })
  }

  @Test("What the stick complains of by itself is a reason") func complaint() {
    var device = device()
    device.complaints = ["the stick is in low power mode"]
    let advice = advise({ $0.image = image("21.157.99.00.00") }, on: device)
    #expect(advice.answer == .update)
    #expect(advice.onlyIf.contains { $0.name == "complaint" && $0.text.contains("low power") })
  }

  @Test("A reason without a file is no yes yet") func noFile() {
    #expect(advise { $0.complaints = [.hot] }.answer == .leaveIt)
    let unknown = advise {
      $0.complaints = [.hot]
      $0.image = ImageFacts(format: "balong", kinds: [.firmware], claims: ImageClaims())
    }
    #expect(unknown.answer == .leaveIt)
    #expect(unknown.summary.hasPrefix("Not yet"))
  }

  @Test("What would do harm is forbidden, whatever the owner complains of") func harm() {
    func answer(_ change: (inout Advice.Circumstances) -> Void) -> Advice.Answer {
      advise {
        $0.complaints = [.drops]
        $0.image = image("21.157.99.00.00")
        change(&$0)
      }.answer
    }
    #expect(answer { $0.image?.knownBad = "bricks" } == .doNot)
    #expect(answer { $0.image?.claims.products = ["BV7R11HS"] } == .doNot)
    #expect(answer { $0.canRecover = false } == .doNot)
    #expect(answer { $0.evidence = nil } == .leaveIt)
    #expect(answer { $0.image = image("21.100.00.00.00") } == .leaveIt)
    #expect(answer { $0.image = image("21.157.31.00.00") } == .leaveIt)
    var lost = device()
    lost.identityDamaged = true
    #expect(
      advise(
        {
          $0.complaints = [.drops]
          $0.image = image("21.157.99.00.00")
        }, on: lost
      ).answer == .doNot)
  }

  @Test("Branding, lock and dashboard are said beforehand") func consequences() {
    var locked = device()
    locked.simLock = .init(status: .codeNeeded, triesLeft: 3)
    locked.dashboard = "UTPS23"
    let advice = advise({ $0.image = image("21.157.99.00.264") }, on: locked)
    let text = advice.consequences.joined(separator: "\n")
    #expect(text.contains("Another customer's build"))
    #expect(text.contains("does not unlock"))
    #expect(text.contains("UTPS23"))
  }
}
