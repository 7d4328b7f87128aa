import Crypto
import SmithAT
import SmithBytes
public import SmithLink
public import SmithModel
public import SmithProtocols
public import SmithVendors

/// A stick as it answered just now: which state it is in and what it says of itself.
public struct Subject: Sendable {
  /// Where it is.
  public var place: Place
  /// What answers on its port.
  public var state: BalongState
  /// What it says of itself; nearly empty in download mode.
  public var report: DeviceReport
  /// Its settings; nil where they cannot be read.
  public var settings: DeviceSettings?

  /// Gathers the parts.
  public init(
    place: Place, state: BalongState, report: DeviceReport, settings: DeviceSettings? = nil
  ) {
    self.place = place
    self.state = state
    self.report = report
    self.settings = settings
  }

  /// Whether the stick could be asked for its IMEI and had no good answer.
  public var identityDamaged: Bool {
    state == .normal && (report.identityDamaged || report.imei?.looksLost == true)
  }

  /// Salted hash of the IMEI, to recognise the unit without storing the number.
  public var identityHash: String? {
    report.imei.map { imei in
      let digest = SHA256.hash(data: [UInt8]("modemsmith unit \(imei.digits)".utf8))
      return [UInt8](digest).hex
    }
  }

  /// Asks the stick behind an open link.
  ///
  /// - Parameters:
  ///   - link: an open AT or download port.
  ///   - withSettings: whether settings are read too.
  /// - Throws: a trouble; nothing that could change the stick was sent.
  public static func ask(
    _ link: any ByteLink, at place: Place, state known: BalongState? = nil,
    withSettings: Bool = false
  ) async throws(Trouble) -> Subject {
    do {
      let state: BalongState
      if let known {
        state = known
      } else {
        state = try await BalongProbe(link).state(expectingDownload: false)
      }
      switch state {
      case .normal: return try await asked(link, place, withSettings: withSettings)
      case .download, .downloadAT: return try await waiting(link, place, state)
      case .diag, .bootROM, .silent:
        return Subject(place: place, state: state, report: DeviceReport())
      }
    } catch let error as LinkError {
      throw error.trouble
    } catch let error as ATError {
      throw error.trouble
    } catch let error as BalongError {
      throw error.trouble
    } catch {
      throw LinkError.broken("\(error)").trouble
    }
  }

  private static func asked(_ link: any ByteLink, _ place: Place, withSettings: Bool)
    async throws(ATError) -> Subject
  {
    let session = ATSession(link: link)
    let report = try await StickIdentity.identify(over: session)
    var settings: DeviceSettings?
    if withSettings, report.vendor == "huawei" {
      settings = try await HuaweiSettings.read(over: session)
    }
    return Subject(place: place, state: .normal, report: report, settings: settings)
  }

  private static func waiting(_ link: any ByteLink, _ place: Place, _ state: BalongState)
    async throws(BalongError) -> Subject
  {
    let said = try await BalongMonitor(link).look()
    var report = DeviceReport()
    report.vendor = "huawei"
    report.productID = said.product
    report.firmware = said.softwareVersion.map { FirmwareVersion($0) }
    report.mode = .download
    report.imei = said.authorityID.flatMap { IMEI($0) }
    if BalongMonitor.isQualcomm(said.monitor) { report.world = .qualcomm }
    return Subject(place: place, state: state, report: report)
  }
}
