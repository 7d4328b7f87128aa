public import SmithAT
public import SmithModel

/// A switch of a ZTE stick that lasts through restarts (Docs/Protocols/zte-at.md section 4).
public enum ZTESwitch: String, Sendable, CaseIterable {
  /// The CD-ROM no longer appears.
  case autorunOff = "autorun-off"
  /// The CD-ROM appears again.
  case autorunOn = "autorun-on"
  /// DIAG and AT ports instead of the network card.
  case serviceOn = "service-on"
  /// Back to the ordinary composition.
  case serviceOff = "service-off"

  /// The command.
  public var command: ATCommand {
    switch self {
    case .autorunOff: "AT+ZCDRUN=8"
    case .autorunOn: "AT+ZCDRUN=9"
    case .serviceOn: "AT+ZCDRUN=E"
    case .serviceOff: "AT+ZCDRUN=F"
    }
  }

  /// The switch that takes this one back.
  public var undo: ZTESwitch {
    switch self {
    case .autorunOff: .autorunOn
    case .autorunOn: .autorunOff
    case .serviceOn: .serviceOff
    case .serviceOff: .serviceOn
    }
  }

  /// What it does to the stick for good, in words.
  public var effect: String {
    switch self {
    case .autorunOff:
      "After the next plugging-in the CD-ROM with the maker's program is gone. Some sticks then show"
        + " storage only and no AT port until they are ejected."
    case .autorunOn: "After the next plugging-in the CD-ROM with the maker's program is there."
    case .serviceOn:
      "After the next plugging-in the stick shows diagnostic and AT ports and no network card. ZTE"
        + " calls this download mode, but the firmware runs and nothing is erased."
    case .serviceOff: "After the next plugging-in the stick shows its ordinary ports again."
    }
  }

  /// Whether the stick's answer may be invisible although the command works (section 4).
  var mayStaySilent: Bool { self == .serviceOff || self == .autorunOff }
}

/// What throwing a switch came to.
public enum ZTESwitchOutcome: Sendable, Equatable {
  /// The stick said that it did it.
  case done
  /// The stick said nothing; in the service composition that is usual.
  case unseen
}

/// Why a switch was not thrown.
public enum ZTESwitchError: Error, Equatable, Sendable {
  /// The stick said that it failed, or does not know the command.
  case refused(ZTESwitch)
  /// The conversation itself.
  case at(ATError)
}

extension ZTESwitchError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .refused(let which):
      Trouble(
        "zte.switch-refused", "The stick does not take the switch \(which.rawValue).",
        advice: [
          "Leave it as it is; some models do not know these switches.",
          "Try the stick's other AT port: `modemsmith list` shows it.",
        ], exitCode: .refused)
    case .at(let error): error.trouble
    }
  }
}

/// Autorun, service composition and power of a ZTE stick (Docs/Protocols/zte-at.md sections 4
/// and 5).
public struct ZTESwitches {
  private let session: ATSession

  /// Over an open AT port.
  public init(_ session: ATSession) {
    self.session = session
  }

  /// Whether the CD-ROM is on; nil if the stick does not tell.
  public func autorun() async throws(ZTESwitchError) -> Bool? {
    do { return ZTEAnswers.result(try await session.send("AT+ZCDRUN=4").lines) } catch {
      if case .silent = error { return nil }
      throw .at(error)
    }
  }

  /// Throws one switch; it takes effect when the stick is plugged in again.
  public func set(_ which: ZTESwitch) async throws(ZTESwitchError) -> ZTESwitchOutcome {
    let lines: [String]
    var isOK = false
    do throws(ATError) {
      let answer = try await session.send(which.command)
      lines = answer.lines
      isOK = answer.isOK
    } catch .unfinished(_, let said) {
      // Some firmware says its result and leaves out the OK.
      lines = said
    } catch .silent where which.mayStaySilent {
      return .unseen
    } catch {
      throw .at(error)
    }
    guard ZTEAnswers.result(lines) ?? isOK else { throw .refused(which) }
    return .done
  }

  /// Whether the radio is online; nil if the stick does not tell.
  public func online() async throws(ZTESwitchError) -> Bool? {
    do { return ZTEAnswers.isOnline(try await session.send("AT+ZOPRT?")) } catch {
      throw .at(error)
    }
  }

  /// Radio on or low power; lasts until the next restart.
  public func setOnline(_ online: Bool) async throws(ZTESwitchError) {
    do throws(ATError) {
      _ = try await session.send(online ? "AT+ZOPRT=5" : "AT+ZOPRT=6")
    } catch { throw .at(error) }
  }
}
