import SmithBytes

/// What an image in memory does to the flash.
extension SierraStick {
  /// Whether the collected image holds firmware (and not only settings).
  var bringsFirmware: Bool {
    if loader.header.count != 400 { return loader.type != 0x0d }
    let kinds = nestedHeaders.map(\.type)
    return kinds.contains { ["APPL", "BOOT", "MODM", "AMSS", "EXEC", "DSP2"].contains($0) }
  }

  private var bringsCarrier: Bool { nestedHeaders.contains { $0.type == "NVUP" } }

  /// Type and version text of the image and of everything that looks nested in it.
  private var nestedHeaders: [(type: String, version: String)] {
    guard loader.header.count == 400 else { return [] }
    var found = [read(loader.header)]
    var ranges = [0..<loader.ram.count]
    while var range = ranges.popLast(), found.count < 200 {
      while range.count >= 400, found.count < 200 {
        let header = [UInt8](loader.ram[range.lowerBound..<(range.lowerBound + 400)])
        guard CRC32Sierra.of([UInt8](header[..<256])) == bigWord(header, 256),
          bigWord(header, 0x104) == 3
        else { break }
        let size = Int(bigWord(header, 0x114))
        guard size <= range.count - 400 else { break }
        found.append(read(header))
        let start = range.lowerBound + 400
        ranges.append(start..<(start + size))
        range = (start + size)..<range.upperBound
      }
    }
    return found
  }

  private func read(_ header: [UInt8]) -> (type: String, version: String) {
    (
      String(printable: [UInt8](header[0x10c..<0x110])),
      String(printable: [UInt8](header[0x11c..<0x170]))
    )
  }

  /// The flash is written: the application is whole again.
  mutating func finishFlash() {
    guard !quirks.keepsOldVersion else { return }
    if loader.header.isEmpty, loader.type != 0x80 { return finishGobi() }
    let headers = nestedHeaders
    if bringsFirmware {
      flash.application = newVersion(headers.map(\.version))
      flash.writes += 1
      profiles = [1: ""]
    }
    guard bringsCarrier, let version = headers.first(where: { Self.words($0.version) != nil }),
      let words = Self.words(version.version), let carrier = words.carrier
    else { return }
    flash.carrier = SierraFlash.Carrier(
      name: carrier.uppercased(), configuration: words.configuration ?? "",
      firmware: words.firmware)
    followPreference()
  }

  /// One image of a Gobi 2000: only the modem's names a version.
  private mutating func finishGobi() {
    flash.gobi = flash.gobi ?? [:]
    flash.gobi?[Int(loader.type)] = CRC32Sierra.of(loader.ram)
    guard bringsFirmware else { return }
    flash.application =
      loader.type == 0x05 ? gobiVersion ?? personality.firmware : loader.replaced
    flash.writes += 1
    profiles = [1: ""]
  }

  /// Settings of the preferred carrier that belong to the firmware become the preference, as
  /// after an update with both files; anything else stays a mismatch.
  private mutating func followPreference() {
    guard let application = flash.application,
      flash.carrier.firmware == Self.plain(application),
      flash.carrier.name == flash.preference.carrier
    else { return }
    flash.preference = SierraFlash.Preference(
      firmware: flash.carrier.firmware, carrier: flash.carrier.name,
      configuration: currentConfiguration)
  }

  private func newVersion(_ texts: [String]) -> String {
    if case .hip = personality.loader {
      // `K1_0_2_9AP C:/...`: the line's letter is the personality's own.
      let word = texts.first?.split(separator: " ").first.map(String.init) ?? ""
      return word.hasPrefix(personality.family) ? String(word.dropFirst(1)) : personality.firmware
    }
    let suffix = personality.firmware.hasSuffix("AP") ? "AP" : ""
    for text in texts {
      if let words = Self.words(text) { return words.firmware + suffix }
    }
    return texts.first { !$0.isEmpty } ?? personality.firmware
  }

  /// Gobi images carry their name near the start, as in `D3200-STSUGN-1575`.
  private var gobiVersion: String? {
    let text = String(
      decoding: loader.ram.prefix(256).map { (0x21...0x7e).contains($0) ? $0 : 0x20 },
      as: UTF8.self)
    return text.split(separator: " ").first { $0.hasPrefix("D") && $0.contains("-") }
      .map(String.init)
  }

  /// Firmware, carrier and configuration in a text such as
  /// `9999999_9902574_SWI9X15C_05.05.66.00_00_GENNA-UMTS_005.028_000`.
  private static func words(
    _ text: String
  ) -> (firmware: String, carrier: String?, configuration: String?)? {
    let parts = text.split(separator: "_").map(String.init)
    guard let at = parts.firstIndex(where: { $0.utf8.count(where: { $0 == 0x2e }) == 3 }) else {
      return nil
    }
    let firmware = parts[at].prefix { $0.isNumber || $0 == "." }
    let rest = parts[(at + 1)...]
    let carrier = rest.first { $0.first?.isLetter == true }
    let number = rest.firstIndex { $0.utf8.contains(0x2e) }
    let configuration = number.flatMap { place in
      place + 1 < parts.count ? "\(parts[place])_\(parts[place + 1])" : nil
    }
    return (String(firmware), carrier, configuration)
  }
}
