import Foundation
import Glibc
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors

/// A word that is never an argument of a command line, where every program could read it: from a
/// file, a variable, or typed without being shown.
enum Secret {
  static let longest = 256

  /// The word from the file or the variable; nil if neither is there.
  static func given(file: String?, variable: String) throws(Trouble) -> String? {
    guard let file else { return ProcessInfo.processInfo.environment[variable] }
    guard let handle = FileHandle(forReadingAtPath: file),
      let data = try? handle.read(upToCount: longest + 2),
      let text = String(bytes: data, encoding: .utf8),
      let line = text.split(separator: "\n", omittingEmptySubsequences: false).first,
      (1...longest).contains(line.utf8.count)
    else {
      throw Trouble(
        "usage.bad-secret", "The file with the password or PIN cannot be read.",
        facts: [file], advice: ["The first line of the file is the word, and nothing else."],
        exitCode: .usage)
    }
    return line.last == "\r" ? String(line.dropLast()) : String(line)
  }

  /// The word that is typed; nil where nobody can type. It is not shown while it is typed.
  static func typed(_ prompt: String) -> String? {
    guard isatty(0) == 1, isatty(2) == 1 else { return nil }
    var before = termios()
    guard unsafe tcgetattr(0, &before) == 0 else { return nil }
    var quiet = before
    quiet.c_lflag &= ~tcflag_t(ECHO)
    guard unsafe tcsetattr(0, TCSAFLUSH, &quiet) == 0 else { return nil }
    defer {
      _ = unsafe tcsetattr(0, TCSAFLUSH, &before)
      Output.error("")
    }
    FileHandle.standardError.write(Data(prompt.utf8))
    return readLine().flatMap { (1...longest).contains($0.utf8.count) ? $0 : nil }
  }
}

extension TargetOptions {
  /// The password of the page as far as it was given beforehand.
  func givenPassword() throws(Trouble) -> String? {
    try Secret.given(file: webPasswordFile, variable: "MODEMSMITH_WEB_PASSWORD")
  }

  /// User and password of a HiLink page; nil to do without.
  func login() throws(Trouble) -> HiLinkSession.Login? {
    guard let user = webUser ?? (webPasswordFile == nil ? nil : "admin") else { return nil }
    if let password = try givenPassword() ?? Secret.typed("Password of \(user) at the page: ") {
      return HiLinkSession.Login(user: user, password: password)
    }
    throw Trouble(
      "usage.bad-target",
      "--web-user needs the password: typed, in MODEMSMITH_WEB_PASSWORD, or --web-password-file.",
      advice: ["Set the variable for this one command; it is not kept."], exitCode: .usage)
  }

  /// The page that `--web` names, through the card of the stick at `--place` if that is named too.
  func namedPage() throws(Trouble) -> CurlWebLink? {
    guard let web else { return nil }
    let card = place.flatMap { SysfsUSB().device(at: $0)?.names(.net).first }
    do throws(WebError) { return CurlWebLink(try WebAddress(web), over: card) } catch {
      throw error.trouble
    }
  }

  /// The stick that is meant, with its page if it has one.
  ///
  /// - Parameter onlyAsks: whether the page alone will do: it may be far from the stick's plug.
  /// - Throws: as ``bus()``; `web.not-found` for a network stick whose page does not answer.
  func stick(onlyAsks: Bool = false) async throws(Trouble)
    -> (bus: any Bus, place: Place, page: StickPageDoor?)
  {
    if let link = try namedPage() {
      let door = StickPageDoor(link, address: "\(link.address)", login: try login())
      if onlyAsks, port == nil, place == nil {
        return (ThisComputer.bus(), .named(door.address), door)
      }
      let (bus, place) = try await self.bus()
      return (bus, place, door)
    }
    if port == nil, let stick = try await ThisComputer.networkStick(self) {
      let link = try await ThisComputer.page(of: stick)
      let door = StickPageDoor(link, address: "\(link.address)", login: try login())
      return (ThisComputer.bus(), stick.place, door)
    }
    let (bus, place) = try await self.bus()
    return (bus, place, nil)
  }
}

extension ThisComputer {
  /// The stick that is meant, if it shows a network card and no serial port.
  static func networkStick(_ target: TargetOptions) async throws(Trouble) -> StickSighting? {
    let sticks = sticks()
    let meant: StickSighting?
    if let place = target.place {
      meant = sticks.first { $0.device.place == place }
    } else {
      // Several, or one that is to be asked for its IMEI: ``TargetOptions/bus()`` has the words.
      meant = sticks.count == 1 && target.imeiEnds == nil ? sticks.first : nil
    }
    return meant.flatMap { $0.state == .networkCard && $0.ports.isEmpty ? $0 : nil }
  }

  /// Where the page of a stick may be; nothing is asked.
  static func pages(of stick: StickSighting) -> [PagePlace] {
    let known = [knowledge.entry(stick.device.id)?.page].compactMap { $0 }
    return StickPageFinder().places(of: stick.device, known: known)
  }

  /// The page of a network stick, asked through its own card alone.
  static func page(of stick: StickSighting) async throws(Trouble) -> CurlWebLink {
    let known = [knowledge.entry(stick.device.id)?.page].compactMap { $0 }
    return try await StickPageFinder().page(of: stick.device, known: known)
  }
}
