public import SmithModel

/// Which Sierra stick a body plays (Docs/Protocols/sierra-identify.md section 1).
public struct SierraPersonality: Sendable {
  /// What the boot loader speaks.
  public enum Loader: Equatable, Sendable {
    /// QDL in exactly that version; whether it knows the switch command.
    case qdl(version: UInt8, knowsSwitch: Bool)
    /// HIP of the 3G cards (Docs/Protocols/sierra-hip.md section 6).
    case hip
  }

  /// How the stick keeps its firmware preference.
  public enum Preference: Equatable, Sendable {
    /// None.
    case none
    /// Under the older command name.
    case gobiimpref
    /// Under the newer one.
    case impref
  }

  /// Model as in `ATI`.
  public var model: String
  /// Manufacturer as in `ATI`.
  public var manufacturer = "Sierra Wireless, Incorporated"
  /// Text in front of the version, as in `SWI9X15C_`.
  public var family: String
  /// Text behind the version.
  public var build: String
  /// Version in the flash when it leaves the factory.
  public var firmware: String
  /// Carrier and configuration in the flash when it leaves the factory.
  public var carrier = "GENERIC"
  /// Carrier configuration, as in `002.026_000`.
  public var configuration = "002.026_000"
  /// Product codes that the loader takes.
  public var products: [String]
  /// USB id of the firmware.
  public var appID: USBID
  /// USB id of the boot loader.
  public var bootID: USBID
  /// Serial ports of the firmware.
  public var ports: [PortRole]
  /// What the loader speaks.
  public var loader: Loader
  /// How the preference is kept.
  public var preference: Preference
  /// Whether the firmware knows the boot-and-hold command.
  public var knowsBootHold = true
  /// Whether unknown `!` commands say so instead of a bare error.
  public var saysNotImplemented = false
  /// Line with the 3GPP release, if the firmware has one.
  public var release: String?

  /// AirCard 881U: MSM7200, HIP loader.
  public static let ac881u = SierraPersonality(
    model: "AC881U", family: "F", build: " C:/WS/FW/F/MSM7200/SRC 2008/11/05 17:22:01",
    firmware: "1_2_3_15AP", products: ["A881"], appID: USBID(0x1199, 0x6856),
    bootID: USBID(0x1199, 0x6856), ports: [.at, .diag, .modem], loader: .hip, preference: .none,
    release: "3GPP Release 5")
  /// MC8790: MSM6290, HIP loader.
  public static let mc8790 = SierraPersonality(
    model: "MC8790", manufacturer: "Sierra Wireless, Inc.", family: "K",
    build: " C:/WS/FW/K1_0_2_4AP/MSM6290/SRC 2008/08/26 13:18:25", firmware: "1_0_2_4AP",
    products: ["K879"], appID: USBID(0x1199, 0x683c), bootID: USBID(0x1199, 0x683c),
    ports: [.diag, .gps, .at, .modem], loader: .hip, preference: .none,
    release: "3GPP Release 6")
  /// USB 306: MDM8200, DirectIP.
  public static let usb306 = SierraPersonality(
    model: "USB 306", family: "M", build: " C:/WS/FW/M2_0_9_0AP/MDM8200/SRC 2010/03/31 11:02:29",
    firmware: "2_0_9_0AP", products: ["A306"], appID: USBID(0x1199, 0x68a3),
    bootID: USBID(0x1199, 0x68a3), ports: [.diag, .gps, .at], loader: .hip, preference: .none)
  /// USB 308: as the 306, with a loader that speaks QDL.
  public static let usb308 = SierraPersonality(
    model: "USB 308", family: "SWI6600H_",
    build: " r1234 CARMD-EN-10527 2011/02/25 11:58:38", firmware: "03.02.14.00AP",
    products: ["A308"], appID: USBID(0x1199, 0x68a3), bootID: USBID(0x1199, 0x68a3),
    ports: [.diag, .gps, .at], loader: .qdl(version: 6, knowsSwitch: true), preference: .none)
  /// MC7700: MDM9200; the loader keeps the USB id.
  public static let mc7700 = SierraPersonality(
    model: "MC7700", family: "SWI9200X_",
    build: " R4684 CARMD-EN-10527 2012/02/25 11:58:38", firmware: "03.05.10.02AP",
    products: ["9200"], appID: USBID(0x1199, 0x68a2), bootID: USBID(0x1199, 0x68a2),
    ports: [.diag, .gps, .at], loader: .qdl(version: 6, knowsSwitch: true), preference: .none)
  /// MC7304: MDM9x15; `AT!GVER` says that it is not implemented.
  public static let mc7304 = SierraPersonality(
    model: "MC7304", family: "SWI9X15C_", build: " r19147 carmd-fwbuild1 2013/11/15 13:54:28",
    firmware: "05.05.02.00", configuration: "005.007_000", products: ["9X15"],
    appID: USBID(0x1199, 0x68c0), bootID: USBID(0x1199, 0x68c0), ports: [.diag, .gps, .at],
    loader: .qdl(version: 6, knowsSwitch: true), preference: .gobiimpref,
    saysNotImplemented: true)
  /// MC7455: MDM9x30; the loader refuses the switch command.
  public static let mc7455 = SierraPersonality(
    model: "MC7455", family: "SWI9X30C_",
    build: " r8209 CARMD-EV-FRMWR2 2019/08/28 20:59:30", firmware: "02.24.05.06",
    products: ["9X30", "9x30"], appID: USBID(0x1199, 0x9071), bootID: USBID(0x1199, 0x9070),
    ports: [.diag, .gps, .at], loader: .qdl(version: 6, knowsSwitch: false),
    preference: .impref)
  /// The MC7455 that Dell sells: its own USB ids.
  public static let dw5811e: SierraPersonality = {
    var dell = mc7455
    dell.model = "EM7455"
    dell.appID = USBID(0x413c, 0x81b6)
    dell.bootID = USBID(0x413c, 0x81b5)
    return dell
  }()
  /// Gobi 2000: separate images without headers.
  public static let gobi2000 = SierraPersonality(
    model: "MC8305", family: "", build: "  1  [Apr 14 2010 17:00:00]",
    firmware: "D3200-STSUGN-1575", products: [], appID: USBID(0x1199, 0x9001),
    bootID: USBID(0x1199, 0x9000), ports: [.diag, .at, .gps],
    loader: .qdl(version: 5, knowsSwitch: true), preference: .none, knowsBootHold: false)

  /// Every personality, by the name that `modemsmith sim` takes.
  public static let all: [(name: String, personality: SierraPersonality)] = [
    ("ac881u", ac881u), ("mc8790", mc8790), ("usb306", usb306), ("usb308", usb308),
    ("mc7700", mc7700), ("mc7304", mc7304), ("mc7455", mc7455), ("dw5811e", dw5811e),
    ("gobi2000", gobi2000),
  ]
}

/// What the body does differently from a good stick; all off unless set.
public struct SierraQuirks: Sendable {
  /// It shows its loader whenever it gets power, and starts its firmware when told to leave it.
  public var startsInLoader = false
  /// How long the loader waits before it starts the firmware by itself; nil for ever.
  public var bootHold: Duration?
  /// What the loader answers to the switch command.
  public enum Switch: Equatable, Sendable {
    case normal, silent
    case error(UInt32)
  }
  /// How the switch command is answered.
  public var switchAnswer = Switch.normal
  /// Status of the open response; nil for a real check.
  public var openStatus: UInt16?
  /// Status of every write response; nil for a real check.
  public var writeStatus: UInt16?
  /// Status of the done response; nil for a real check.
  public var doneStatus: UInt16?
  /// Largest chunk that the loader announces.
  public var largestChunk: UInt32 = 1 << 20
  /// How long every answer takes.
  public var answerDelay: Duration = .milliseconds(2)
  /// After a good download the loader stays where it is.
  public var staysInBoot = false
  /// After a good download the old version is still there.
  public var keepsOldVersion = false
  /// The answer of the last chunk is not sent, although the image is written.
  public var losesLastAnswer = false
  /// The first answer of each of these kinds (first bytes) is not sent.
  public var losesFirst: Set<UInt8> = []
  /// The first answer of each of these kinds is damaged.
  public var damagesFirst: Set<UInt8> = []
  /// Bytes that come unasked when the loader starts.
  public var noise: [UInt8] = []

  /// A good stick.
  public init() {}
}

/// How long things take in a body.
public struct SierraTiming: Sendable {
  /// From boot-and-hold to leaving the bus.
  public var leave: Duration = .milliseconds(100)
  /// Off the bus on the way to the loader.
  public var toBoot: Duration = .milliseconds(1500)
  /// Off the bus on the way to the firmware.
  public var toApp: Duration = .seconds(12)
  /// Writing the flash, before anything that depends on the size.
  public var flash: Duration = .seconds(8)
  /// Writing one MiB.
  public var flashPerMiB: Duration = .milliseconds(500)
  /// Silence in the middle of a chunk after which the loader drops the image.
  public var chunkSilence: Duration = .seconds(10)

  /// Times seen in the field.
  public init() {}
}
