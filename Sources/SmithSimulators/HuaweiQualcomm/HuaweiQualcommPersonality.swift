import SmithModel

extension HuaweiQualcommStick {
  /// One model as the recorded dialogues show it (Docs/Protocols/huawei-qualcomm.md section 5).
  public struct Personality: Sendable {
    /// Name of the simulated model, as in `huawei-e1550`.
    public var name: String
    /// Model as AT+CGMM prints it.
    public var model: String
    /// Version of its firmware.
    public var firmware: String
    /// Hardware as the DIAG version answer has it.
    public var hardware: String
    /// How it deviates from the usual.
    public var options: Options

    init(
      _ name: String, _ model: String, _ firmware: String, hardware: String? = nil,
      change: (inout Options) -> Void = { _ in }
    ) {
      var options = Options()
      change(&options)
      self.name = "huawei-\(name)"
      self.model = model
      self.firmware = firmware
      self.hardware = hardware ?? "\(model) Ver.A"
      self.options = options
    }

    /// What its loader calls the product.
    public var product: String { options.loaderProduct ?? String(model.prefix(4)) }

    /// Every model.
    public static let all: [Personality] = [
      Personality("e220", "E220", "11.117.09.00.00") {
        // No capture shows a way into its loader.
        $0.entersLoader = false
        $0.id = USBID(0x12d1, 0x1003)
        $0.composition = nil
        $0.portMode = nil
      },
      Personality("e1550", "E1550", "11.609.18.00.00", hardware: "E1550FCD6ATCPU Ver.A"),
      Personality("e1553", "E1553", "11.608.13.00.150"),
      Personality("e153", "E153Eu-1", "11.609.18.21.135") { $0.loaderProduct = "E153" },
      Personality("e160e", "E160E", "11.608.04.00.00") {
        $0.reportsBoot = true
        $0.loader = "M62xx-QCSBL"
      },
      Personality("e173", "E173", "11.126.85.00.00") { $0.loaderProduct = "E173" },
      Personality("e1750", "E1750", "11.126.07.04.00") { $0.loader = "M62xx-QCSBL" },
      Personality("e1752", "E1752", "11.126.03.01.314") {
        $0.reportBeforeEcho = "^SRVST:0"
        $0.loader = "M62xx-QCSBL"
      },
      Personality("e1732", "E1732", "11.126.16.04.617") {
        $0.locked = true
        $0.tries = 0
        $0.loader = "M62xx-QCSBL"
      },
      Personality("e353q", "E353", "11.126.85.00.00") {
        $0.portMode = "^getportmode:type:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3"
        $0.portList = "A1,A2;1,16,3,2,A1,A2"
        $0.id = USBID(0x12d1, 0x1444)
        $0.loader = "M62xx-QCSBL"
      },
    ]

    /// The personality of that name.
    public static func named(_ name: String) -> Personality? { all.first { $0.name == name } }
  }

  /// A stick of that model, not plugged in yet.
  ///
  /// - Parameter change: how this unit deviates from its model.
  public init(
    _ personality: Personality, firmware: String? = nil,
    change: (inout Options) -> Void = { _ in }
  ) {
    var options = personality.options
    change(&options)
    self.init(
      model: personality.model, firmware: firmware ?? personality.firmware,
      hardware: personality.hardware, options: options)
  }
}
