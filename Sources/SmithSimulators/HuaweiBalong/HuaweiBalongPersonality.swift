public import SmithModel

extension HuaweiBalongStick {
  /// Which download monitor answers (Docs/Protocols/balong-download.md sections 5 and 6).
  public enum Monitor: String, Sendable, CaseIterable {
    /// E303, E3131, E3531: answers damaged frames with 03 and resets itself after 07.
    case v3r3
    /// E3272, E3276: the rules of V7R11 with the older item numbers.
    case v7r1
    /// E3372h, E8372h, E5573: damaged frames are dropped without a word.
    case v7r11
  }

  /// What one model of stick says about itself.
  public struct Personality: Equatable, Sendable {
    /// Name by which it is chosen, as in `huawei-e3131`.
    public var name: String
    /// Model as AT+CGMM prints it.
    public var model: String
    /// Exact product as AT^FHVER prints it.
    public var product: String
    /// Hardware as AT^VERSION? prints it, with its ` Ver.` suffix.
    public var hardware: String
    /// Which download monitor it has.
    public var monitor: Monitor
    /// Product id that the monitor returns to 45 after `HUAWEI `.
    public var downloadID: String
    /// Firmware it leaves the factory with.
    public var firmware: String
    /// Dashboard it leaves the factory with.
    public var dashboard: String
    /// Build date of the factory firmware.
    public var buildDate: String
    /// USB id in normal mode.
    public var normalID: USBID
    /// Port composition as AT^SETPORT? prints it, without quotes.
    public var setPort: String
    /// Whether AT^SETPORT? prints quotes (newer firmware does).
    public var quotesSetPort: Bool
    /// Items that it leaves the factory with, partition table first.
    public var factoryItems: [UInt32]

    /// Balong V3R3 (Hi6758), as sold by the million.
    public static let e3131 = Personality(
      name: "huawei-e3131", model: "E3131", product: "E3131h-2", hardware: "CH1E3531SM Ver.A",
      monitor: .v3r3, downloadID: "E3531", firmware: "21.157.31.00.00",
      dashboard: "UTPS23.009.09.01.00_MAC23.009.09.01.00", buildDate: "Jan 21 2013, 20:52:32",
      normalID: USBID(0x12d1, 0x1506), setPort: ";2,3,16", quotesSetPort: false,
      factoryItems: [0x100, 0x101, 0x102, 0x550103, 0x104, 0x105, 0x107, 0x10c])
    /// Balong V7R11 (Hi6921) with stick firmware.
    public static let e3372h = Personality(
      name: "huawei-e3372h", model: "E3372", product: "E3372H-153",
      hardware: "CL2E3372HM Ver.A", monitor: .v7r11, downloadID: "BV7R11HS",
      firmware: "21.200.07.00.00", dashboard: "UTPS23.015.05.08.143_MAC23.015.05.08.143",
      buildDate: "Mar 03 2015, 11:42:10", normalID: USBID(0x12d1, 0x1506),
      setPort: "A1,A2;12,1,16,A1,A2", quotesSetPort: true,
      factoryItems: [
        0x10000, 0x200000, 0x110000, 0x90000, 0x220000, 0x230000, 0x240000, 0x250000, 0x590000,
        0x5a0000, 0xb0000,
      ])
    /// Balong V7R1 (Hi6920).
    public static let e3276 = Personality(
      name: "huawei-e3276", model: "E3276", product: "E3276s-150", hardware: "CH1E3276SM Ver.C",
      monitor: .v7r1, downloadID: "B710S0", firmware: "21.263.03.00.78",
      dashboard: "UTPS23.015.05.02.78_MAC23.015.05.02.78", buildDate: "May 14 2013, 09:12:41",
      normalID: USBID(0x12d1, 0x1506), setPort: "A1,A2;1,16,3,2,A1,A2", quotesSetPort: true,
      factoryItems: [0x100, 0x101, 0x102, 0x550103, 0x104, 0x105, 0x107, 0x10c])

    /// Every personality with a chip of its own.
    public static let all: [Personality] = [e3131, e3372h, e3276]
    /// Models that differ from one of ``all`` in their names and versions alone
    /// (Docs/Protocols/huawei-models.md section 4).
    public static let relatives: [Personality] = [
      e3131.sold(as: "E303", product: "E303s-2", firmware: "21.157.01.00.00"),
      e3131.sold(as: "E3531", product: "E3531s-2", firmware: "21.318.03.00.00"),
      {
        var e353 = e3131.sold(
          as: "E353", product: "E353s-2A", firmware: "21.157.06.00.264", board: "CH2E353SM")
        e353.downloadID = "E353"
        e353.dashboard = "UTPS21.005.11.10.264_MAC21.005.11.08.264"
        return e353
      }(),
      {
        var e3372s = e3372h.sold(
          as: "E3372s", product: "E3372S-153", firmware: "21.300.05.00.143", board: "CL1E3372SM")
        e3372s.model = "E3372"
        e3372s.downloadID = "BV7R2"
        return e3372s
      }(),
    ]
    /// The personality of that name, or nil.
    public static func named(_ name: String) -> Personality? {
      (all + relatives).first { $0.name == name || $0.name == "huawei-" + name }
    }

    private func sold(
      as model: String, product: String, firmware: String, board: String? = nil
    ) -> Personality {
      var other = self
      other.name = "huawei-\(model.lowercased())"
      other.model = model
      other.product = product
      other.firmware = firmware
      if let board { other.hardware = "\(board) Ver.A" }
      return other
    }
  }

  /// Which SIM is in the stick.
  public enum SIM: String, Sendable, CaseIterable {
    /// Of the operator that sold the stick.
    case home
    /// Of another operator.
    case foreign
    /// None.
    case none
  }

  /// How this unit deviates from the usual.
  public struct Options: Equatable, Sendable {
    /// HDLC is ignored before AT^DATAMODE and AT after it; otherwise both are always welcome.
    public var strict = false
    /// AT^DATAMODE and 41 are refused until a good AT^SIGNVER came.
    public var signed = false
    /// Lengths of signature blocks that a signed monitor knows; nil for any from 46 to 65535.
    public var signatureLengths: Set<Int>?
    /// SHA-256 of the only public key that a signed monitor knows, in upper case; nil for any.
    public var keyHash: String?
    /// Whether the reply to 0C has an opening flag; real ones have none.
    public var openingFlag = false
    /// Whether an unknown command stays unanswered instead of getting 06.
    public var silentUnknownCommand = false
    /// Whether a damaged frame stays unanswered; nil for what the monitor does by nature.
    public var silentBadCRC: Bool?
    /// AT^DATAMODE is answered by ERROR though HDLC works.
    public var refusesDataMode = false
    /// A changed partition table makes the stick reboot right after its 43.
    public var rebootOnPartitionTableChange = true
    /// AT^GODLOAD is refused until AT^SFM=1 came.
    public var needsFactoryMode = false
    /// Time from 41 to its answer (erasing).
    public var startDelay: Duration = .zero
    /// Time from 42 to its answer.
    public var blockDelay: Duration = .zero
    /// Time from 43 to its answer (flushing and checking); the item is not complete before.
    public var endDelay: Duration = .zero
    /// Time from leaving the bus to coming back; drawn from the seed.
    public var returnDelay: ClosedRange<Duration> = .seconds(3)...(.seconds(15))
    /// Time from the end of a loader to its download port.
    public var loaderDelay: ClosedRange<Duration> = .seconds(10)...(.seconds(30))
    /// Whether the boot ROM checks signatures, which no loader here has.
    public var secureBoot = false
    /// Time from plugging in to the first enumeration.
    public var plugDelay: Duration = .zero
    /// Whether normal mode echoes commands after power-on.
    public var echo = true
    /// Whether ^RSSI and ^HCSQ lines come by themselves in normal mode until AT^CURC=0.
    public var unsolicited = false
    /// Most bytes per emission; 0 for whole answers.
    public var answerChunking = 0
    /// One serial port per face, for use on a PTY; otherwise the whole composition.
    public var singlePort = true
    /// Whether AT^SETPORT is unknown, as on older sticks.
    public var lacksSetPort = false
    /// Whether AT^SETPORT is told and cannot be changed.
    public var refusesSetPort = false
    /// Whether the stick is locked to its operator, with ten tries.
    public var locked = false
    /// The code that unlocks it; nil if no code does.
    public var unlockCode: String?
    /// Tries for the code that are left when it leaves the factory.
    public var tries = 10
    /// Which SIM is in it: its lock shows with a foreign one only.
    public var sim = SIM.foreign
    /// PIN of the SIM; nil for a SIM that wants none.
    public var pin: String?
    /// Whether the right code opens it in memory only, until the power goes (customised builds).
    public var unlocksUntilPowerOff = false
    /// Whether AT^CARDUNLOCK is known.
    public var knowsCounterReset = true
    /// Whether a wrong hash in AT^CARDUNLOCK costs a try: nobody documents it.
    public var wrongHashCostsTry = false
    /// Items that an update must bring before the stick leaves download mode; nil if any
    /// set of items will do.
    public var layout: [UInt32]?
    /// Bytes of flash; an item that is announced bigger is refused with 07.
    public var flashSize = 256 << 20
    /// Whether messages are kept for ``HuaweiBalongStick/drainLog()``.
    public var logging = false

    /// The usual unit.
    public init() {}

    /// A unit that takes its time for erasing and for checking.
    public static var slow: Options {
      var options = Options()
      options.startDelay = .seconds(4)
      options.blockDelay = .milliseconds(3)
      options.endDelay = .seconds(25)
      return options
    }
  }
}
