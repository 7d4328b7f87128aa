public import SmithModel

extension LinkError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .silent:
      Trouble(
        "stick.silent", "The stick does not answer.",
        advice: [
          "Unplug the stick, wait five seconds, plug it in again and repeat the command.",
          "Try the stick's other ports: `modemsmith list` shows them.",
        ], aftermath: .unknown, exitCode: .noStick)
    case .gone:
      Trouble(
        "port.gone", "The port vanished: the stick was unplugged or restarted.",
        advice: [
          "Plug the stick in again, straight into the computer, and run `modemsmith resume`.",
          "If it vanishes again and again, try another USB socket or a powered hub.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .busy(let holder):
      Trouble(
        "port.busy", "Another program uses the port\(holder.map { ": \($0)" } ?? "").",
        advice: [
          "Close \(holder ?? "the other program") and repeat the command.",
          "If it is ModemManager: `systemctl stop ModemManager`, and start it again afterwards.",
        ], exitCode: .refused)
    case .notPermitted(let path):
      Trouble(
        "port.not-permitted", "You are not allowed to open \(path).",
        advice: [
          "Add yourself to the port's group (usually `sudo adduser $USER dialout`), log in again.",
          "Or let everybody at this computer use its sticks: "
            + "`sudo modemsmith doctor --install-rules`, then plug the stick in again.",
          "Or run this one command with sudo.",
        ], exitCode: .refused)
    case .notFound(let path):
      Trouble(
        "port.not-found", "There is no port \(path).",
        advice: ["Plug the stick in and run `modemsmith list` to see its ports."],
        exitCode: .noStick)
    case .broken(let reason):
      Trouble(
        "port.broken", "The system could not use the port: \(reason).",
        advice: ["Check that the path is a serial port: `modemsmith list` shows them."],
        exitCode: .noStick)
    }
  }
}

extension BusError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .absent(let place, let role):
      Trouble(
        "stick.did-not-return", "No \(role.rawValue) port appeared at \(place) in time.",
        advice: [
          "Plug the stick in again and run `modemsmith resume`.",
          "Inside a virtual machine, pass the stick's new USB id through to it.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .broken(let reason):
      Trouble(
        "port.broken", "The system could not list its ports: \(reason).",
        advice: ["Check that /sys and /dev are readable, or name the port with --port."],
        exitCode: .noStick)
    }
  }
}
