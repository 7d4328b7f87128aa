public import SmithAT

/// Which ports a Huawei stick shows, as far as AT commands set it
/// (Docs/Protocols/huawei-qualcomm.md section 6).
public enum HuaweiPorts {
  /// What the stick can be told.
  public enum Setting: Sendable, Equatable {
    /// Words of AT^U2DIAG, on sticks of the Qualcomm era.
    case composition(Int)
    /// Lists of AT^SETPORT.
    case list(DeviceSettings.PortSetup)
  }

  /// The only words that are sent: defaults of sticks in use, and the one that shows everything.
  /// What any other shows is not documented, and 0 leaves the modem port alone.
  public static let knownCompositions = [255, 256, 276]

  /// The composition word of `^U2DIAG:255`; nil if the answer holds none.
  public static func composition(_ response: ATResponse) -> Int? {
    guard response.isOK, let value = response.values("^U2DIAG").first.flatMap(TextFields.bare),
      let number = Int(value), (0...0xffff).contains(number)
    else { return nil }
    return number
  }

  /// Reads `A1,A2;12,1,16` as AT^SETPORT has it; nil for anything but port numbers around one
  /// semicolon.
  public static func list(_ text: String) -> DeviceSettings.PortSetup? {
    let halves = text.split(separator: ";", omittingEmptySubsequences: false)
    guard halves.count == 2, text.utf8.count <= 128 else { return nil }
    func codes(_ half: Substring) -> [String] {
      half.split(separator: ",").map { TextFields.trim($0).uppercased() }
    }
    let setup = DeviceSettings.PortSetup(before: codes(halves[0]), after: codes(halves[1]))
    let isPlain = (setup.before + setup.after).allSatisfy { code in
      (1...2).contains(code.count) && code.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
    return isPlain && !setup.after.isEmpty ? setup : nil
  }

  /// The command that sets it; nil if it would take the AT port away, or what it shows is not
  /// documented.
  public static func command(for setting: Setting) -> ATCommand? {
    switch setting {
    case .composition(let word):
      knownCompositions.contains(word) ? ATCommand("AT^U2DIAG=\(word)") : nil
    case .list(let setup): HuaweiSettings.command(for: setup)
    }
  }
}

extension HuaweiPorts.Setting: CustomStringConvertible {
  /// As the command has it.
  public var description: String {
    switch self {
    case .composition(let word): "\(word)"
    case .list(let setup):
      "\(setup.before.joined(separator: ","));\(setup.after.joined(separator: ","))"
    }
  }
}

extension DeviceSettings {
  /// What the stick says of its ports; nil if it says nothing.
  public var portSetting: HuaweiPorts.Setting? {
    ports.map { .list($0) } ?? composition.map { .composition($0) }
  }
}
