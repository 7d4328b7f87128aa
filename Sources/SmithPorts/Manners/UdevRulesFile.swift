import Glibc
public import SmithModel

/// Our own udev rules, made from the device files: who may use a stick, and which modes are no
/// business of ModemManager's.
public enum UdevRulesFile {
  /// Where they belong.
  public static let name = "70-modemsmith.rules"

  /// The rules for these entries.
  public static func text(_ entries: [UsbEntry]) -> String {
    var lines = [
      "# Modemsmith: people at this computer may use its modem sticks.",
      "# Made from the device files by `modemsmith doctor --install-rules`; do not edit.",
      "ACTION==\"remove\", GOTO=\"modemsmith_end\"",
    ]
    // A maker's id alone is enough for makers of modems; of others only what we know.
    let makers = ["12d1", "1199", "19d2", "1bbb"]
    let access = "MODE=\"0660\", GROUP=\"dialout\", TAG+=\"uaccess\""
    for vendor in makers {
      lines.append(
        "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"\(vendor)\", \(access)"
      )
      lines.append(
        "SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"\(vendor)\", \(access)")
    }
    for entry in sorted(entries)
    where !makers.contains(entry.vendor) {
      let products = (entry.products + (entry.targets ?? [])).joined(separator: "|")
      let match = "ATTR{idVendor}==\"\(entry.vendor)\", ATTR{idProduct}==\"\(products)\""
      lines.append("SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", \(match), \(access)")
      let parent = match.replacing("ATTR{", with: "ATTRS{")
      lines.append("SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", \(parent), \(access)")
    }
    lines.append("# Loaders and boot ROMs take a firmware, not AT commands: nobody may ask them.")
    for entry in sorted(entries)
    where entry.orState == nil && [.bootROM, .edl, .qdl].contains(entry.state) {
      let products = entry.products.joined(separator: "|")
      lines.append(
        "SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"\(entry.vendor)\", "
          + "ATTRS{idProduct}==\"\(products)\", ENV{ID_MM_DEVICE_IGNORE}=\"1\"")
    }
    lines.append("LABEL=\"modemsmith_end\"")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func sorted(_ entries: [UsbEntry]) -> [UsbEntry] {
    entries.sorted { one, other in
      (one.vendor, one.products.first ?? "") < (other.vendor, other.products.first ?? "")
    }
  }

  /// Writes the rules; udev reads them by itself at the next event.
  ///
  /// - Parameter root: a system below this folder instead of the running one.
  /// - Returns: the path that was written.
  /// - Throws: `doctor.rules-not-written`.
  public static func install(_ entries: [UsbEntry], root: String = "") throws(Trouble) -> String {
    let path = "\(root)/etc/udev/rules.d/\(name)"
    var folder = root
    for part in ["etc", "udev", "rules.d"] {
      folder += "/\(part)"
      _ = unsafe mkdir(folder, 0o755)
    }
    let text = text(entries)
    // Written aside and renamed, so that udev never reads half a file.
    let aside = "\(path).new"
    let descriptor = unsafe open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw trouble(path, errno) }
    let count = unsafe write(descriptor, text, text.utf8.count)
    let reason = errno
    close(descriptor)
    guard count == text.utf8.count else {
      _ = unsafe unlink(aside)
      throw trouble(path, reason)
    }
    guard unsafe rename(aside, path) == 0 else { throw trouble(path, errno) }
    return path
  }

  private static func trouble(_ path: String, _ number: Int32) -> Trouble {
    Trouble(
      "doctor.rules-not-written", "The udev rules could not be written to \(path).",
      facts: [FileNames.words(number)],
      advice: ["Run it as root: `sudo modemsmith doctor --install-rules`."], exitCode: .refused)
  }
}
