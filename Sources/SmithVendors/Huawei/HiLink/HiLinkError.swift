public import SmithLink
public import SmithModel

/// Why a HiLink page did not do what it was asked (Docs/Protocols/huawei-hilink.md section 3).
public enum HiLinkError: Error, Equatable, Sendable {
  /// The page could not be talked to.
  case page(WebError)
  /// What answers is a page, and not the one of a HiLink stick; its status.
  case notHiLink(status: Int)
  /// An answer that cannot be read, and where.
  case badAnswer(String)
  /// The stick refused with a code of its own.
  case refused(code: Int, path: String)
  /// Fresh sessions and tokens are refused again and again.
  case sessionLost(code: Int)
  /// The page wants a login first.
  case loginNeeded(path: String)
  /// The login failed; how the stick says so.
  case loginRefused(code: Int)
  /// The page wants a kind of login that is not known.
  case loginUnknown(type: Int)
  /// The page takes no login now because of wrong ones; minutes that it names.
  case loginLocked(minutes: Int?)
  /// The page took the login and did not show that it knows the password.
  case loginUnproven

  /// Words for a code; nil for one that is not in our list.
  public static func words(_ code: Int) -> String? { HiLinkCodes.words[code] }
}

/// The stick's own error numbers in words.
enum HiLinkCodes {
  static let notSupported = 100_002
  static let noRights = 100_003
  static let tooManyAttempts = 108_007
  static let wrongToken = 125_001
  static let wrongSession = 125_002
  static let wrongSessionToken = 125_003

  static let words: [Int: String] = [
    100_001: "unknown error", 100_002: "this firmware does not support it",
    100_003: "no rights: a login is needed", 100_004: "the stick is busy",
    100_005: "the request has a form that it does not know", 100_006: "wrong parameter",
    103_002: "the PIN is wrong",
    108_001: "the user name is wrong", 108_002: "the password is wrong",
    108_003: "somebody is logged in already", 108_005: "too many users are logged in",
    108_006: "user name or password is wrong",
    108_007: "too many wrong attempts; the stick wants to be left alone for some minutes",
    108_009: "somebody is logged in from another computer",
    108_010: "too many logins in short time",
    113_018: "the stick is busy with messages",
    120_001: "a call is going on", 125_001: "wrong token", 125_002: "wrong session",
    125_003: "wrong session or token",
  ]

  static func sentence(_ code: Int) -> String { "\(code) (\(words[code] ?? "not in our list"))" }
}

extension HiLinkError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .page(let error): error.trouble
    case .notHiLink(let status):
      Trouble(
        "hilink.not-hilink", "The page at that address is not the one of a HiLink stick.",
        facts: ["its answer has the HTTP status \(status)"],
        advice: [
          "Open the address in a browser; name the stick's own with --web URL.",
          "If the stick shows a serial port (`modemsmith list`), leave --web out.",
        ], exitCode: .noStick)
    case .badAnswer(let what):
      Trouble(
        "hilink.bad-answer", "The stick's page gave an answer that cannot be read: \(what).",
        advice: [
          "Repeat the command: a disturbed answer is the usual cause.",
          "Restart the stick and try again.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .refused(let code, let path):
      Trouble(
        "hilink.refused", "The stick refused: \(HiLinkCodes.sentence(code)).",
        facts: ["asked for: \(path)"],
        advice: [
          code == HiLinkCodes.notSupported
            ? "This firmware cannot do it; there is nothing to repeat."
            : "Wait a minute and try again; the stick may be busy.",
          "Restart the stick and try again.",
        ], exitCode: .refused)
    case .sessionLost(let code):
      Trouble(
        "hilink.session-lost", "The stick's page ends every session at once.",
        facts: ["its code is \(HiLinkCodes.sentence(code))"],
        advice: [
          "Close every browser window that shows the stick's page, and try again.",
          "Restart the stick and try again.",
        ], exitCode: .refused)
    case .loginNeeded(let path):
      Trouble(
        "hilink.login-needed", "The stick's page wants a login first.",
        facts: ["asked for: \(path)"],
        advice: [
          "Add `--web-user admin`; the password is asked for, from MODEMSMITH_WEB_PASSWORD if set.",
          "The password is the one of the stick's page; often it stands on the stick's label.",
        ], exitCode: .refused)
    case .loginRefused(let code):
      Trouble(
        "hilink.login-refused", "The login was refused: \(HiLinkCodes.sentence(code)).",
        advice: [
          "Check the password in a browser; a few wrong attempts lock the page for minutes.",
          "Log out in other browser windows.",
        ], exitCode: .refused)
    case .loginLocked(let minutes):
      Trouble(
        "hilink.login-locked",
        minutes.map { "The page takes no login for \($0) more minute\($0 == 1 ? "" : "s")." }
          ?? "The page takes no login for some minutes, because of wrong ones.",
        advice: [
          "Leave it alone for that long; more attempts make it longer.",
          "Unplugging the stick for a moment ends the wait on most.",
        ], exitCode: .refused)
    case .loginUnproven:
      Trouble(
        "hilink.login-unproven",
        "The page took the login and could not show that it knows the password itself.",
        facts: ["it may not be the stick's own page; the password itself was not sent"],
        advice: [
          "Name the stick's own address with --web URL; `modemsmith list` shows it.",
          "Unplug other routers and sticks, and try again.",
        ], exitCode: .refused)
    case .loginUnknown(let type):
      Trouble(
        "hilink.login-unknown", "The page wants a kind of login that is not known (type \(type)).",
        advice: ["Switch the login off on the stick's page, and leave --web-user out."],
        exitCode: .refused)
    }
  }
}
