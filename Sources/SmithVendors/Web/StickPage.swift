public import SmithBytes
public import SmithLink
import SmithModel

/// Hears how much of a file has left.
public protocol PageWitness: AnyObject, Sendable {
  /// Bytes of the file that were sent so far.
  func sent(_ bytes: Int) async
}

/// Where a page takes firmware, as the page itself says.
public struct UploadPlace: Sendable, Equatable {
  /// Path of the request.
  public var path: String
  /// Largest file in bytes.
  public var limit: Int
  /// What of it rests on inference, in words.
  public var inferences: [String]
}

/// What the stick's maker offers it.
public enum PageOffer: Sendable, Equatable {
  /// Nothing new.
  case none
  /// A version, if it is named, and its size in bytes.
  case available(version: String?, bytes: Int?)
  /// It could not find out.
  case unavailable(String)
}

/// How far the stick is with loading its own update.
public enum PageLoading: Sendable, Equatable {
  /// It does nothing of the kind.
  case idle
  /// Percent done, if it tells.
  case loading(percent: Int?)
  /// Everything is there; installing was not asked for yet.
  case ready
  /// It installs; it restarts by itself.
  case installing
  /// It gave up.
  case failed(String)
}

/// The web page of one stick, in the words of its maker.
///
/// One login at a time; whoever holds it is alone with the page. Everything that reads may be
/// called again; everything that changes is sent once.
public protocol StickPage: AnyObject {
  /// Vendor in lower case.
  var vendor: String { get }
  /// Name of the way in plans and journals, as in `zte-web`.
  var route: String { get }
  /// The connection.
  var link: any WebLink { get }
  /// What the page tells without or with a login; fields that it keeps back are nil.
  func identify() async throws(PageError) -> DeviceReport
  /// Logs in; tries one password once.
  func login(_ password: String) async throws(PageError)
  /// Reads connection profiles and network mode; holds no password.
  func settings() async throws(PageError) -> DeviceSettings
  /// What of writing connection profiles rests on inference, in words.
  var profileInferences: [String] { get }
  /// What the stick itself says of its last update over the air; nil if it does not tell.
  func saysItUpdated() async throws(PageError) -> Bool?
  /// Writes back what differs now.
  func restore(_ settings: DeviceSettings) async throws(PageError) -> SettingsRestoration
  /// The settings as the file that the page itself makes; nil if it makes none.
  func settingsFile() async throws(PageError) -> [UInt8]?
  /// Gives such a file back.
  func restore(file: SharedBytes) async throws(PageError)
  /// The place that the page's own source names for uploads; nil if it names none.
  func uploadPlace() async throws(PageError) -> UploadPlace?
  /// Hands a file to that place; returns once the stick said that it has all of it.
  func upload(_ file: SharedBytes, named name: String, to place: UploadPlace, _: any PageWitness)
    async throws(PageError)
  /// Asks the stick to look for an update of its maker, and waits for its word.
  func check() async throws(PageError) -> PageOffer
  /// Tells the stick to load what it found.
  func beginLoading() async throws(PageError)
  /// How far it is.
  func loading() async throws(PageError) -> PageLoading
  /// Restarts the stick.
  func restart() async throws(PageError)
  /// Tells the stick to install what it has; after this it is left alone until it restarted.
  func install() async throws(PageError)
  /// Has the stick install the file that was handed over.
  func installUploaded() async throws(PageError)
  /// What of the stick's own update rests on inference, in words.
  var onlineInferences: [String] { get }
  /// Why the stick should not load or install now; nil if nothing speaks against it.
  func obstacle() async throws(PageError) -> String?
}

extension StickPage {
  /// What of writing connection profiles rests on inference, in words; by default nothing.
  public var profileInferences: [String] { [] }
  /// By default a page does not tell.
  public func saysItUpdated() async throws(PageError) -> Bool? { nil }
}

/// Finds out whose page answers.
public enum StickPages {
  /// The page behind a link, and who the stick is.
  ///
  /// - Parameter host: as the address names it, for the Referer line.
  /// - Throws: `.unknownPage` if none of the known ones answers in its form.
  public static func find(_ link: any WebLink, host: String) async throws(PageError)
    -> (page: any StickPage, report: DeviceReport)
  {
    var strange: PageError?
    for page in [ZTEPage(link, host: host), AlcatelPage(link, host: host)] as [any StickPage] {
      do throws(PageError) {
        return (page, try await page.identify())
      } catch {
        switch error {
        case .link(.absent), .link(.broken): throw error
        // A page that answers in form and hides a script or leads elsewhere is worth its own word.
        case .strangeText, .redirect, .link: strange = strange ?? error
        default: continue
        }
      }
    }
    throw strange ?? .unknownPage
  }
}
