import SmithLink

/// Logins of both kinds, and the PIN (Docs/Protocols/huawei-hilink.md sections 4 and 7).
extension HuaweiHiLinkStick {
  /// Minutes for which no login is taken.
  var minutesLocked: Int {
    guard let lockedUntil, lockedUntil > clock else { return 0 }
    return Int((lockedUntil - clock).components.seconds / 60) + 1
  }

  /// Compares with what the page's own script would send.
  mutating func logIn(_ call: WebCall, _ text: String, _ id: String?) -> Said {
    guard !personality.challenges else { return .error(100_002) }
    guard let id, let user = Self.field("Username", in: text),
      let password = Self.field("Password", in: text)
    else { return .error(100_005) }
    guard minutesLocked == 0 else { return .error(108_007) }
    let token = call["__RequestVerificationToken"] ?? ""
    let wanted = HuaweiHiLinkHash.password(user, account.password, token: token)
    return ended(user == account.user && password == wanted, id)
  }

  /// The first half of a login by challenge.
  mutating func challenge(_ text: String, _ id: String?) -> Said {
    guard personality.challenges else { return .error(100_002) }
    guard let id, Self.field("username", in: text) == account.user,
      let first = Self.field("firstnonce", in: text), first.utf8.count == 64,
      first.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
      Self.field("mode", in: text) == "1"
    else { return .error(100_005) }
    guard minutesLocked == 0 else { return .error(108_007) }
    let server = first + secret()
    sessions[id]?.words = (first, server)
    return .response(
      "<response><salt>\(HuaweiHiLinkHash.hex(Self.salt))</salt><iterations>\(Self.rounds)"
        + "</iterations><servernonce>\(server)</servernonce><modeselected>1</modeselected>"
        + "</response>")
  }

  private static let salt = Array("simulated salt of thirty-two by.".utf8)
  private static let rounds = 100

  /// The second half: a proof serves one challenge, once.
  mutating func prove(_ text: String, _ id: String?) -> Said {
    guard personality.challenges, let id, let words = sessions[id]?.words,
      let proof = Self.field("clientproof", in: text),
      Self.field("finalnonce", in: text) == words.server
    else { return .error(100_005) }
    sessions[id]?.words = nil
    guard minutesLocked == 0 else { return .error(108_007) }
    let wanted = HuaweiHiLinkHash.proofs(
      account.password, salt: Self.salt, rounds: Self.rounds, first: words.first,
      server: words.server)
    guard case .response = ended(proof == wanted.visitor, id) else {
      return minutesLocked > 0 ? .error(108_007) : .error(108_006)
    }
    return .response(
      "<response><serversignature>\(wanted.page)</serversignature><rsae>010001</rsae></response>")
  }

  private mutating func ended(_ isRight: Bool, _ id: String) -> Said {
    guard isRight else {
      wrongLogins += 1
      if wrongLogins >= Self.mostWrongLogins {
        lockedUntil = clock + .seconds(60)
        wrongLogins = 0
        return .error(108_007)
      }
      return .error(108_006)
    }
    wrongLogins = 0
    sessions[id]?.isLoggedIn = true
    return .response("<response>OK</response>")
  }

  /// Enters the PIN; the other operations are not simulated.
  mutating func operatePIN(_ text: String, _ id: String?) -> Said {
    let isIn = id.flatMap { sessions[$0]?.isLoggedIn } == true
    guard !personality.wantsLogin || isIn else { return .error(100_003) }
    guard Self.field("OperateType", in: text) == "0",
      let entered = Self.field("CurrentPin", in: text),
      (4...8).contains(entered.utf8.count)
    else { return .error(100_006) }
    guard let pin, !pinIsEntered else { return .error(103_001) }
    guard pinTries > 0 else { return .error(103_015) }
    guard entered == pin else {
      pinTries -= 1
      return .error(103_002)
    }
    pinTries = 3
    pinIsEntered = true
    return .response("<response>OK</response>")
  }
}
