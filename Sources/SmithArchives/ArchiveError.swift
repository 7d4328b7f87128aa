public import SmithModel

/// Why an archive is not opened further; each case is one trouble page. `at` says where, as in
/// `outer.zip > inner.7z`.
public enum ArchiveError: Error, Equatable, Sendable {
  /// It wants a password.
  case encrypted(at: String)
  /// It ends before its end.
  case truncated(at: String)
  /// Its structure or a check sum is wrong.
  case damaged(at: String, reason: String)
  /// It uses something that libarchive does not read.
  case unsupported(at: String, reason: String)
  /// An entry, or everything together, is larger than the limit in bytes.
  case tooLarge(at: String, limit: Int)
  /// It unpacks to far more than it has.
  case bomb(at: String, stored: Int, ratio: Int)
  /// More entries than the limit.
  case tooManyEntries(at: String, limit: Int)
  /// Looking took longer than the limit in seconds.
  case tooSlow(at: String, limit: Int)
  /// Archives in archives in archives, beyond the limit.
  case tooDeep(at: String, limit: Int)
  /// A name that would leave the folder if somebody unpacked it.
  case unsafeName(at: String)
  /// A symbolic or hard link, or a device.
  case link(at: String)
  /// Nothing in it is a firmware image.
  case nothingInside(at: String, found: [String])
  /// Nothing in it has the name that was asked for.
  case noSuchEntry(at: String, wanted: String, found: [String])
  /// More than one image that could be meant.
  case severalImages(at: String, found: [String])
  /// There is no room for unpacking.
  case noRoom(reason: String)

  /// Whether looking on would be of no use or of harm.
  var endsAll: Bool {
    switch self {
    case .tooLarge, .bomb, .tooManyEntries, .tooSlow, .noRoom: true
    default: false
    }
  }

  /// Which flaw to tell first when nothing else was found; lower is first.
  var weight: Int {
    switch self {
    case .encrypted: 0
    case .truncated: 1
    case .damaged: 2
    case .unsupported: 3
    case .tooDeep: 4
    case .unsafeName: 5
    default: 6
    }
  }
}

extension ArchiveError: TroubleConvertible {
  /// The explanation; nothing was sent to any stick when an archive is refused.
  public var trouble: Trouble {
    switch self {
    case .encrypted, .truncated, .damaged, .unsupported: unreadable
    case .tooLarge, .bomb, .tooManyEntries, .tooSlow, .tooDeep: beyondLimits
    default: contents
    }
  }

  private static let again =
    "Download the file again, and compare its size or check sum with the page you got it from."
  private static let refuse = "Do not use this file; get the update from the vendor or operator."

  private var unreadable: Trouble {
    switch self {
    case .encrypted(let at):
      Trouble(
        "archive.encrypted", "The archive is locked with a password: \(at).",
        facts: ["what is inside cannot be read without it"],
        advice: [
          "Unpack it yourself with the password from the page you got it from, then give the .exe"
            + " or .bin inside.",
          "Vendors do not lock their updates; prefer a file from the vendor or operator.",
        ], exitCode: .badFile)
    case .truncated(let at):
      Trouble(
        "archive.truncated", "The archive is cut off: \(at).",
        facts: ["it ends before its own end"], advice: [Self.again], exitCode: .badFile)
    case .unsupported(let at, let reason):
      Trouble(
        "archive.unsupported", "The archive is of a kind that cannot be read here: \(at).",
        facts: [reason],
        advice: ["Unpack it with the program that made it and give the .exe or .bin inside."],
        exitCode: .badFile)
    case .damaged(let at, let reason):
      Trouble(
        "archive.damaged", "The archive is damaged: \(at).", facts: [reason],
        advice: [Self.again], exitCode: .badFile)
    default: contents
    }
  }

  private var beyondLimits: Trouble {
    switch self {
    case .tooLarge(let at, let limit):
      Trouble(
        "archive.too-large", "The archive holds more than any update: \(at).",
        facts: ["expected at most \(limit) bytes"],
        advice: ["Unpack it yourself and give the one .exe or .bin for your stick."],
        exitCode: .badFile)
    case .bomb(let at, let stored, let ratio):
      Trouble(
        "archive.bomb", "The archive unpacks to an insane size: \(at).",
        facts: ["\(stored) bytes unpack to more than \(ratio) times as many"],
        advice: [Self.refuse], exitCode: .badFile)
    case .tooManyEntries(let at, let limit):
      Trouble(
        "archive.too-many-entries", "The archive has more than \(limit) entries: \(at).",
        facts: ["an update has some dozen"],
        advice: ["Unpack it yourself and give the one .exe or .bin for your stick."],
        exitCode: .badFile)
    case .tooSlow(let at, let limit):
      Trouble(
        "archive.too-slow", "Looking into the archive took longer than \(limit) seconds: \(at).",
        facts: ["it was given up there"],
        advice: ["Unpack it yourself and give the one .exe or .bin for your stick."],
        exitCode: .badFile)
    case .tooDeep(let at, let limit):
      Trouble(
        "archive.too-deep", "The archives lie more than \(limit) deep in one another: \(at).",
        facts: ["what is in the innermost was not looked at"],
        advice: ["Unpack the outer ones yourself and give what is inside."], exitCode: .badFile)
    default: contents
    }
  }

  private var contents: Trouble {
    switch self {
    case .unsafeName(let at):
      Trouble(
        "archive.unsafe-name", "The archive has a name that leads out of its folder: \(at).",
        facts: ["that entry was left out", "honest archives have no such names"],
        advice: [Self.refuse], exitCode: .badFile)
    case .link(let at):
      Trouble(
        "archive.link", "The archive has a link where a file should be: \(at).",
        facts: ["links are never followed"], advice: [Self.refuse], exitCode: .badFile)
    case .noSuchEntry(let at, let wanted, let found):
      Trouble(
        "archive.no-such-entry", "Nothing in \(at) is named \(wanted).", facts: found,
        advice: ["See what there is: `modemsmith image show FILE`."], exitCode: .badFile)
    case .severalImages(let at, let found):
      Trouble(
        "archive.several-images", "There are \(found.count) images in \(at).", facts: found,
        advice: ["Say which one is meant: --inside NAME, or its number."], exitCode: .badFile)
    case .noRoom(let reason):
      Trouble(
        "archive.no-room", "There is no room to unpack the archive: \(reason).",
        facts: ["it is unpacked into a nameless file in TMPDIR, /var/tmp or /tmp"],
        advice: ["Make room, or set TMPDIR to a folder on a disk with room."],
        exitCode: .badFile)
    default:
      nothing
    }
  }

  private var nothing: Trouble {
    guard case .nothingInside(let at, let found) = self else { return unreadable }
    return Trouble(
      "archive.nothing-inside", "No firmware image is in \(at).",
      facts: found.isEmpty ? ["nothing that is known was found in it"] : found,
      advice: ["Check that this is the update for your model, and not drivers or a manual."],
      exitCode: .badFile)
  }
}
