public import SmithLink
public import SmithModel

/// Why a stick's page did not do what it was asked (Docs/Protocols/zte-web.md section 1,
/// Docs/Protocols/alcatel-web.md section 3).
public enum PageError: Error, Equatable, Sendable {
  /// The connection itself.
  case link(WebError)
  /// The page sends us elsewhere; nobody goes there.
  case redirect(to: String)
  /// A status other than 200.
  case status(Int, path: String)
  /// HTML or anything else where JSON belongs.
  case notJSON(path: String)
  /// A value that no name or version can be: markup, control characters, endless text.
  case strangeText(field: String)
  /// A value that every such page has is not there.
  case missing(field: String)
  /// The page understood and said no.
  case refused(request: String, code: String)
  /// The page wants a login first.
  case passwordNeeded
  /// The password is wrong; tries that are left, if the page tells.
  case passwordWrong(triesLeft: Int?)
  /// Too many wrong passwords; seconds until the next try, if the page tells.
  case locked(seconds: Int?)
  /// Somebody else is logged in.
  case otherUser
  /// The login of this firmware is of a kind that is not known here.
  case unknownLogin(String)
  /// None of the known pages answers at that address.
  case unknownPage
  /// The page offers no upload of firmware.
  case noUpload
  /// The page did not take the file.
  case uploadRefused(String)
  /// The file is larger than such a page takes.
  case tooBig(bytes: Int, limit: Int)
}

extension PageError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .link(let error): error.trouble
    case .redirect, .status, .notJSON, .strangeText, .missing, .unknownPage: strange
    case .refused(let request, let code):
      Trouble(
        "webui.refused", "The stick's page refused \(request) (\(code)).",
        advice: [
          "Log in with the password in MODEMSMITH_WEB_PASSWORD; many pages refuse everything before that.",
          "Close the page in every browser and try again.",
        ], exitCode: .refused)
    case .passwordNeeded, .passwordWrong, .locked, .otherUser, .unknownLogin: login
    case .noUpload, .uploadRefused, .tooBig: upload
    }
  }

  private var strange: Trouble {
    let check = "Check that the address is the stick's own: open it in a browser."
    switch self {
    case .redirect(let target):
      return Trouble(
        "webui.redirect", "The page sends us elsewhere, and nobody goes there.",
        facts: ["it names \(PageText.shown(target))"],
        advice: [check, "Close every page that asks you to log in, then try again."],
        exitCode: .refused)
    case .status(let status, let path):
      return Trouble(
        "webui.status", "The page answered \(path) with status \(status).",
        advice: [check, "Restart the stick and try again."], exitCode: .refused)
    case .notJSON(let path):
      return Trouble(
        "webui.not-json", "The page answered \(path) with something that is no data.",
        facts: ["often a login page, or a page of another device"],
        advice: [check, "Log in with the password in MODEMSMITH_WEB_PASSWORD."], exitCode: .refused)
    case .strangeText(let field):
      return Trouble(
        "webui.strange-text", "The value of \(field) is none that a stick would give.",
        facts: ["it holds markup or control characters, or has no end"],
        advice: [check], exitCode: .refused)
    case .missing(let field):
      return Trouble(
        "webui.missing", "The page does not tell \(field).",
        advice: ["Log in with the password in MODEMSMITH_WEB_PASSWORD.", check], exitCode: .refused)
    default:
      return Trouble(
        "webui.unknown", "What answers at that address is no page of a stick that is known here.",
        advice: [check, "Use the stick's serial port: `modemsmith list` shows it."],
        exitCode: .noStick)
    }
  }

  private var login: Trouble {
    switch self {
    case .passwordWrong(let left):
      return Trouble(
        "webui.password-wrong", "The page does not take that password; it was tried once.",
        facts: left.map { ["\($0) tries are left"] } ?? [],
        advice: ["Find the right password (often on the stick's label) before the next try."],
        exitCode: .refused)
    case .locked(let seconds):
      return Trouble(
        "webui.locked", "The page takes no password now: too many were wrong.",
        facts: seconds.map { ["it opens again in \($0) s"] } ?? [],
        advice: ["Wait, or restart the stick."], exitCode: .refused)
    case .otherUser:
      return Trouble(
        "webui.other-user", "Somebody else is logged in to the stick's page.",
        advice: ["Log out in every browser, or wait five minutes."], exitCode: .refused)
    case .unknownLogin(let kind):
      return Trouble(
        "webui.unknown-login", "The page wants a kind of login that is not known here (\(kind)).",
        advice: ["Use the page itself in a browser for this."], exitCode: .refused)
    default:
      return Trouble(
        "webui.password-needed", "The stick's page wants its password first.",
        advice: ["Set MODEMSMITH_WEB_PASSWORD for this one command; it is not kept."],
        exitCode: .refused)
    }
  }

  private var upload: Trouble {
    switch self {
    case .uploadRefused(let code):
      return Trouble(
        "webui.upload-refused", "The stick did not take the file (\(PageText.shown(code))).",
        advice: [
          "Run `modemsmith info --web URL`: it shows that the old firmware still runs.",
          "Check that the file is made for exactly this model and operator.",
        ], aftermath: .stillBoots, exitCode: .stillWorks)
    case .tooBig(let bytes, let limit):
      return Trouble(
        "webui.too-big", "The file has \(bytes) bytes; such a page takes \(limit) at most.",
        advice: ["Choose the file that is made for the page."], exitCode: .refused)
    default:
      return Trouble(
        "webui.no-upload", "The stick's page offers no place to upload firmware.",
        advice: [
          "Try the update that the stick itself can load: `modemsmith update --online --web URL`.",
          "Otherwise it needs the maker's own program.",
        ], exitCode: .refused)
    }
  }
}

/// Text that came from a page, before anybody sees it.
public enum PageText {
  /// A name or version as it may be kept: no markup, no control characters, at most 256 bytes.
  ///
  /// - Throws: `.strangeText` for anything else.
  public static func kept(_ text: String, _ field: String) throws(PageError) -> String {
    guard text.utf8.count <= 256,
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f && !isMarkup($0) })
    else { throw .strangeText(field: field) }
    return text
  }

  /// Foreign text cut and cleaned for an error message.
  public static func shown(_ text: String) -> String {
    let plain = text.unicodeScalars.prefix(80).map { scalar -> Character in
      (0x20...0x7e).contains(scalar.value) && !isMarkup(scalar) ? Character(scalar) : "?"
    }
    return String(plain)
  }

  private static func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "<" || scalar == ">" || (0x80...0x9f).contains(scalar.value)
      || (0x200e...0x202e).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
  }
}
