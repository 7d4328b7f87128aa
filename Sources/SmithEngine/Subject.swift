import Crypto
import SmithAT
import SmithBytes
public import SmithLink
public import SmithModel
public import SmithVendors

/// A stick as it answered just now: which state it is in and what it says of itself.
public struct Subject: Sendable {
  /// Where it is.
  public var place: Place
  /// What answers on its port.
  public var state: StickState
  /// What it says of itself; nearly empty in download mode.
  public var report: DeviceReport
  /// Its settings; nil where they cannot be read.
  public var settings: DeviceSettings?

  /// Gathers the parts.
  public init(
    place: Place, state: StickState, report: DeviceReport, settings: DeviceSettings? = nil
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
    report.imei?.unitHash
  }

  /// Asks the stick behind an open link.
  ///
  /// - Parameters:
  ///   - link: an open AT or download port.
  ///   - likely: whose loader is asked for first if the port does not speak AT.
  ///   - alone: whether no other family is asked.
  ///   - withSettings: whether settings are read too.
  ///   - ofTheHour: whether what changes by the hour is asked too (signal, network).
  /// - Throws: a trouble; nothing that could change the stick was sent.
  public static func ask(
    _ link: any ByteLink, at place: Place, likely: (any Family)? = nil, alone: Bool = false,
    withSettings: Bool = false, ofTheHour: Bool = true
  ) async throws(Trouble) -> Subject {
    let (state, family): (StickState, (any Family)?)
    do {
      (state, family) = try await Families.state(over: link, likely: likely, alone: alone)
    } catch {
      throw error.trouble
    }
    switch (state, family) {
    case (.normal, _):
      do {
        return try await asked(link, place, withSettings: withSettings, ofTheHour: ofTheHour)
      } catch {
        throw error.trouble
      }
    case (.waiting(let loader), let family?):
      return Subject(
        place: place, state: state, report: try await family.look(over: link, in: loader))
    default:
      return Subject(place: place, state: state, report: DeviceReport())
    }
  }

  private static func asked(
    _ link: any ByteLink, _ place: Place, withSettings: Bool, ofTheHour: Bool
  ) async throws(ATError) -> Subject {
    let session = ATSession(link: link)
    let report = try await StickIdentity.identify(over: session, ofTheHour: ofTheHour)
    var settings: DeviceSettings?
    if withSettings, let family = Families.speaking(as: report.vendor) {
      settings = try await family.settings(over: session)
    }
    return Subject(place: place, state: .normal, report: report, settings: settings)
  }
}

extension IMEI {
  /// Salted hash of the number, to recognise the unit without storing it.
  var unitHash: String {
    [UInt8](SHA256.hash(data: [UInt8]("modemsmith unit \(digits)".utf8))).hex
  }
}
