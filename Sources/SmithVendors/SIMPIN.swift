public import SmithAT
public import SmithModel

/// A PIN as the owner typed it; never shown, kept or logged.
public struct SIMPIN: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  /// The digits, for the one command that carries them.
  let digits: String

  /// Four to eight digits; nil for anything else.
  public init?(_ text: String) {
    guard (4...8).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    digits = text
  }

  /// Stars.
  public var description: String { "****" }
  /// Nothing of it.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What the SIM wants, and how many tries are left (Docs/Protocols/sim-pin.md).
public struct SIMPINState: Sendable, Equatable {
  /// What it wants.
  public enum Need: String, Sendable {
    /// Nothing.
    case nothing
    /// Its PIN.
    case pin
    /// Its PUK: the PIN's tries are used up.
    case puk
    /// There is no SIM, or none that answers.
    case noSIM = "no-sim"
    /// It is not known.
    case unknown
  }
  /// What it wants.
  public var need: Need
  /// Tries for the PIN that are left; nil if the stick does not tell.
  public var triesLeft: Int?
  /// Tries for the PUK that are left; nil if the stick does not tell.
  public var pukTriesLeft: Int?

  /// Gathers the parts.
  public init(need: Need, triesLeft: Int? = nil, pukTriesLeft: Int? = nil) {
    self.need = need
    self.triesLeft = triesLeft
    self.pukTriesLeft = pukTriesLeft
  }
}

/// A way to the SIM of one stick.
public protocol SIMPINDoor {
  /// What the SIM wants; changes nothing.
  func state() async throws(Trouble) -> SIMPINState
  /// Sends the PIN once. What came of it says ``state()``; the answer is words for people.
  func enter(_ pin: SIMPIN) async throws(Trouble) -> String
}

/// The SIM behind an AT port (Docs/Protocols/sim-pin.md section 1).
public struct ATSIMPIN: SIMPINDoor {
  private let session: ATSession
  private let vendor: String?

  /// The SIM of a stick of that vendor, which decides who is asked for the tries.
  public init(_ session: ATSession, vendor: String?) {
    self.session = session
    self.vendor = vendor
  }

  /// `AT+CPIN?`, and what this vendor has for the tries.
  public func state() async throws(Trouble) -> SIMPINState {
    do throws(ATError) {
      let answer = try await session.send("AT+CPIN?")
      guard answer.isOK else { return SIMPINState(need: Self.need(refused: answer)) }
      var state = SIMPINState(need: Self.need(answer.values("+CPIN").first ?? ""))
      (state.triesLeft, state.pukTriesLeft) = try await tries()
      return state
    } catch { throw error.trouble }
  }

  /// `AT+CPIN="..."`, once.
  public func enter(_ pin: SIMPIN) async throws(Trouble) -> String {
    do throws(ATError) {
      let answer = try await session.send(ATCommand("AT+CPIN=\"\(pin.digits)\""))
      switch answer.final {
      case .ok: return "OK"
      case .cme(let code, let text):
        return "+CME ERROR: \(code.map(String.init) ?? text ?? "")"
      default: return "\(answer.final)"
      }
    } catch { throw Self.masked(error, pin).trouble }
  }

  private func tries() async throws(ATError) -> (Int?, Int?) {
    switch vendor {
    case "huawei":
      // Code, tries of the code asked for, then PUK, PIN, PUK2, PIN2.
      let fields = try await numbers("AT^CPIN?", "^CPIN")
      guard fields.count >= 4 else { return (nil, nil) }
      return (fields[3], fields[2])
    case "zte":
      let fields = try await numbers("AT+ZPINPUK=?", "+ZPINPUK")
      return fields.count >= 2 ? (fields[0], fields[1]) : (nil, nil)
    case "sierra":
      // PIN, PIN2, PUK, PUK2.
      let fields = try await numbers("AT+CPINC?", "+CPINC")
      return fields.count >= 3 ? (fields[0], fields[2]) : (nil, nil)
    default: return (nil, nil)
    }
  }

  private func numbers(_ command: String, _ name: String) async throws(ATError) -> [Int?] {
    let answer = try await session.send(ATCommand(command))
    guard answer.isOK, let line = answer.values(name).first else { return [] }
    return line.split(separator: ",", omittingEmptySubsequences: false).map { field in
      Int(TextFields.trim(field)).flatMap { (0...20).contains($0) ? $0 : nil }
    }
  }

  /// The words of `+CPIN:`.
  static func need(_ text: String) -> SIMPINState.Need {
    switch TextFields.bare(text)?.uppercased() {
    case "READY": .nothing
    case "SIM PIN": .pin
    case "SIM PUK": .puk
    default: .unknown
    }
  }

  /// 10 no SIM, 13 SIM failure; some write it out.
  private static func need(refused answer: ATResponse) -> SIMPINState.Need {
    guard case .cme(let code, let text) = answer.final else { return .unknown }
    let words = text?.uppercased() ?? ""
    let isMissing = words.contains("SIM NOT INSERTED") || words.contains("SIM FAILURE")
    return code == 10 || code == 13 || isMissing ? .noSIM : .unknown
  }

  /// An error that quotes its command must not quote this one.
  private static func masked(_ error: ATError, _ pin: SIMPIN) -> ATError {
    if case .refusedByGuard(_, let reason) = error {
      return .refusedByGuard(command: "AT+CPIN=\"\(pin)\"", reason: reason)
    }
    return error
  }
}

/// The SIM behind a HiLink page (Docs/Protocols/huawei-hilink.md section 7).
public struct HiLinkPIN: SIMPINDoor {
  private let session: HiLinkSession

  /// The SIM of the stick with that page.
  public init(_ session: HiLinkSession) { self.session = session }

  /// `/api/pin/status`.
  public func state() async throws(Trouble) -> SIMPINState {
    do throws(HiLinkError) { return Self.state(try await session.get("/api/pin/status")) } catch {
      throw error.trouble
    }
  }

  static func state(_ answer: HiLinkXML) -> SIMPINState {
    func count(_ name: String) -> Int? {
      HiLinkIdentity.number(answer[name]).flatMap { (0...20).contains($0) ? $0 : nil }
    }
    let need: SIMPINState.Need =
      switch HiLinkIdentity.number(answer["SimState"]) {
      case 255, 256: .noSIM
      case 257, 258, 259: .nothing
      case 260: .pin
      case 261: .puk
      default: .unknown
      }
    return SIMPINState(
      need: need, triesLeft: count("SimPinTimes"), pukTriesLeft: count("SimPukTimes"))
  }

  /// `/api/pin/operate`, once: an answer that was lost does not make it be sent again; only a
  /// refusal of the session does, before which nothing was done with it.
  public func enter(_ pin: SIMPIN) async throws(Trouble) -> String {
    do throws(HiLinkError) {
      _ = try await session.post(
        "/api/pin/operate",
        "<OperateType>0</OperateType><CurrentPin>\(pin.digits)</CurrentPin><NewPin></NewPin>"
          + "<PukCode></PukCode>")
      return "OK"
    } catch .refused(let code, _) {
      return HiLinkCodes.sentence(code)
    } catch {
      throw error.trouble
    }
  }
}
