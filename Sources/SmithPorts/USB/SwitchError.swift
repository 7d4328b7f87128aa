import SmithLink
public import SmithModel

/// Why a stick was not switched.
public enum SwitchError: Error, Equatable, Sendable {
  /// Nothing is plugged in at that place.
  case absent(String)
  /// Neither the installed data nor our own knows how to switch this id.
  case unknownStick(USBID, dataInstalled: Bool)
  /// The entry names nothing to do.
  case nothingToDo(String)
  /// The entry names a method of another maker that we do not speak.
  case foreignMethod(String, String)
  /// The stick is still what it was.
  case refused(String, USBID)
  /// The stick comes and goes without settling.
  case looping(String, Int)
  /// The stick left and did not come back.
  case didNotReturn(String)
  /// The device could not be used.
  case device(UsbError)
}

extension SwitchError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .absent(let place):
      Trouble(
        "switch.no-stick", "No stick that could be switched is plugged in at \(place).",
        advice: ["Run `modemsmith list` to see what is plugged in where."], exitCode: .noStick)
    case .unknownStick(let id, let dataInstalled):
      Trouble(
        "switch.unknown-stick", "Nobody told us how to switch \(id).",
        facts: [
          dataInstalled
            ? "The data of usb-modeswitch does not name it." : "usb-modeswitch-data is missing."
        ],
        advice: [
          dataInstalled
            ? "Look for a newer usb-modeswitch-data, or open an issue with this id."
            : "Install it: `sudo apt install usb-modeswitch-data`, and repeat the command.",
          "Or try `eject /dev/sr0` (the drive that `modemsmith list` names).",
        ], exitCode: .refused)
    case .nothingToDo(let source):
      Trouble(
        "switch.unknown-stick", "The mode-switch entry \(source) names nothing to do.",
        advice: ["Look at the file of that name in /etc/usb_modeswitch.d."], exitCode: .refused)
    case .foreignMethod(let method, let source):
      Trouble(
        "switch.foreign-method", "\(source) is switched by \(method), which we do not speak.",
        advice: [
          "Install usb-modeswitch (`sudo apt install usb-modeswitch`) and plug the stick in again."
        ], exitCode: .refused)
    case .refused(let place, let id):
      Trouble(
        "switch.refused", "The stick at \(place) is still \(id): it did not switch.",
        advice: [
          "Unplug it, wait ten seconds, plug it in again and repeat the command.",
          "Close windows that show the drive: a drive in use does not let go.",
        ], exitCode: .stillWorks)
    case .looping(let place, let times):
      Trouble(
        "switch.loop", "The stick at \(place) came back as a drive \(times) times.",
        facts: ["Nothing more was sent to it."],
        advice: [
          "Plug it straight into the computer: too little power looks the same.",
          "Look whether another program switches it too: `journalctl -t usb_modeswitch`.",
        ], exitCode: .stillWorks)
    case .didNotReturn(let place):
      Trouble(
        "switch.did-not-return", "The stick at \(place) left and did not come back.",
        advice: [
          "Unplug it, wait ten seconds, plug it in again and run `modemsmith list`.",
          "In a virtual machine, pass its new USB id through as well.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .device(let error): error.link.trouble
    }
  }
}
