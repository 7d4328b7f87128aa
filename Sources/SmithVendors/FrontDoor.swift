public import SmithFormats
public import SmithModel

/// Which way into a stick there is, so that nobody has to try them all.
public struct FrontDoor: Sendable, Equatable {
  /// What does the work.
  public enum Way: String, Sendable, Codable, CaseIterable {
    /// The page that the stick serves.
    case page
    /// A download protocol over a serial port.
    case download
    /// The maker's own program; this tool only looks.
    case vendorProgram = "vendor-program"

    /// For people.
    public var words: String {
      switch self {
      case .page: "the page that the stick serves"
      case .download: "a download protocol over its port"
      case .vendorProgram: "the maker's own program"
      }
    }
  }

  /// What to use.
  public var way: Way
  /// Why, and with which command, in one sentence.
  public var advice: String

  /// The way for a stick, from what it said and from how it was reached.
  ///
  /// - Parameter overPage: whether its page answered just now.
  public init(_ report: DeviceReport, overPage: Bool) {
    switch report.vendor {
    case "zte" where overPage, "alcatel" where overPage:
      way = .page
      advice =
        "its page does it: `modemsmith update --online --web URL`, or with a file where the page"
        + " has an upload"
    case "zte" where ZTECatalogue.hasPage(report.model):
      way = .page
      advice = "its page does it: `modemsmith info --web http://192.168.0.1` begins there"
    case "zte":
      way = .download
      advice =
        "Qualcomm download: it needs the loaders and images of exactly this model and operator;"
        + " without them only ZTE's own program helps"
    case "alcatel" where AlcatelCatalogue.hasPage(report.model):
      way = .page
      advice = "its page does it: `modemsmith info --web http://192.168.1.1` begins there"
    case "alcatel":
      way = .vendorProgram
      advice = "TCL's own Windows program; no other way is known for its serial sticks"
    case "huawei" where report.world == .qualcomm:
      way = .vendorProgram
      advice =
        "Huawei's own program for exactly this model; `modemsmith plan FILE --experimental` tells"
        + " how far this tool goes"
    case "qualcomm":
      way = .download
      advice =
        "Sahara and Firehose, with the package of exactly this model:"
        + " `modemsmith update FOLDER --experimental --diag-port PATH`"
    case "sierra" where report.revision.flatMap { GobiPackage.version(in: $0) } != nil:
      way = .download
      advice =
        "its loader, into which another program has to bring it (QMI); then"
        + " `modemsmith update FOLDER --experimental`"
    case "huawei", "sierra":
      way = .download
      advice = "its download mode: `modemsmith update FILE`"
    case nil where report.mode == .download && report.world == .qualcomm:
      way = .download
      advice =
        "it waits in the download mode of its chip: `modemsmith resume` goes on with an interrupted"
        + " update, `modemsmith zte leave-download` starts what is on it"
    default:
      way = .vendorProgram
      advice = "its maker's own program: this tool does not know the stick"
    }
  }

  /// The way on for a stick that runs no firmware now; nil in every other mode.
  ///
  /// - Parameters:
  ///   - mode: as ``StickState/word``.
  ///   - vendor: who made it, if its loader tells.
  public static func waiting(in mode: String?, vendor: String? = nil) -> FrontDoor? {
    switch mode {
    case StickState.bootROM.word:
      FrontDoor(
        way: .download,
        advice: "a loader for its boot ROM first: `modemsmith rescue --loader LOADER FILE`")
    case "download":
      FrontDoor(
        way: .download,
        advice: "the mode that it waits in: `modemsmith resume`, or `modemsmith update FILE`"
          + (vendor == "huawei"
            ? "; if nothing was written, `modemsmith huawei leave-download` starts what is on it"
            : ""))
    default: nil
    }
  }

  private init(way: Way, advice: String) {
    self.way = way
    self.advice = advice
  }

  /// The way that a plan's route goes.
  public static func way(ofRoute route: String) -> Way {
    route.hasSuffix("-web") ? .page : .download
  }

  /// The way that sticks with this USB id usually need; nil for ids that say nothing. Asking the
  /// stick says more.
  public init?(_ id: USBID) {
    let zte = ZTECatalogue.all.modes(of: id).map(\.mode)
    let alcatel = AlcatelCatalogue.all.modes(of: id).map(\.mode)
    switch id.vendor {
    case 0x19d2 where zte.contains("network"), 0x1bbb where alcatel.contains("network"):
      way = .page
      let address = id.vendor == 0x19d2 ? "192.168.0.1" : "192.168.1.1"
      advice = "its page does it: `modemsmith info --web http://\(address)` begins there"
    case 0x19d2:
      way = .download
      advice =
        "its page where it has one, else Qualcomm download; `modemsmith info` says which it is"
    case 0x1bbb:
      way = .vendorProgram
      advice = "TCL's own Windows program; no other way is known for its serial sticks"
    case 0x12d1, 0x1199:
      way = .download
      advice = "its download mode: `modemsmith update FILE`; `modemsmith info` says more"
    default: return nil
    }
  }

  /// Refuses a file of another maker with the reason; call it before any other comparison.
  ///
  /// - Throws: `plan.wrong-vendor`.
  public static func check(_ image: FirmwareImage, for report: DeviceReport) throws(Trouble) {
    guard let vendor = report.vendor else { return }
    switch image.format {
    case .sierraCWE where vendor != "sierra", .gobi2000 where vendor != "sierra":
      throw sierra(report)
    case .balong where vendor != "huawei", .balongFolder where vendor != "huawei":
      throw other(
        "a Huawei package for Balong chips", report,
        "Balong is Huawei's own chip; a Qualcomm stick has no use for any part of it")
    case .qualcommNAND:
      guard let maker = image.nand?.loader.maker, maker != vendor else { return }
      throw other(
        "a package for Qualcomm flash whose loader is of \(maker)", report,
        "loaders and boot parts are made for one maker's boards")
    default: return
    }
  }

  private static func other(_ what: String, _ report: DeviceReport, _ why: String) -> Trouble {
    Trouble(
      "plan.wrong-vendor",
      "The file is \(what); this stick is \(report.model ?? report.manufacturer ?? "another").",
      facts: [why],
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      exitCode: .refused)
  }

  /// A file that is for the sticks of one maker, with a stick of another.
  static func wrongMaker(_ maker: String, _ report: DeviceReport) -> Trouble {
    Trouble(
      "plan.wrong-vendor",
      "The file is for a \(maker) stick; this one is \(report.manufacturer ?? "of another maker").",
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      exitCode: .refused)
  }

  /// A file with the ending .cwe or .spk belongs to Sierra's sticks only, and so do the files of
  /// a Gobi 2000 as far as this tool can write them.
  public static func sierra(_ report: DeviceReport) -> Trouble {
    let stick = report.model ?? report.manufacturer ?? "of another maker"
    return Trouble(
      "plan.wrong-vendor",
      "The file is firmware of Sierra Wireless; this stick is not a Sierra: \(stick).",
      facts: [
        "ZTE, Alcatel and Huawei sticks have loaders that cannot read it, whatever the chip inside"
      ],
      advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
      exitCode: .refused)
  }
}
