import SmithBytes
import SmithLink

/// AT commands of download mode (Docs/Protocols/balong-download.md section 3).
extension HuaweiBalongStick {
  /// Takes one whole transfer: an AT command is known only as one transfer with its CR.
  mutating func receiveDownload(_ bytes: [UInt8], port: Int, _ out: inout [Emission]) {
    if busy != nil {
      // The monitor works on one thing at a time; the USB buffer holds what comes meanwhile.
      guard backlogBytes + bytes.count <= 65_536 else {
        complain("too much sent while the monitor was busy", port: port)
        return
      }
      backlog.append(bytes)
      backlogBytes += bytes.count
      return
    }
    if bytes[0] | 0x20 == 0x61, bytes.last == 0x0d, bytes.count <= 160,
      monitorText(bytes, port: port, &out)
    {
      return
    }
    if options.strict, !options.refusesDataMode, !dataMode {
      complain("HDLC before AT^DATAMODE", port: port)
      return
    }
    receiveFrames(bytes, port: port, &out)
  }

  /// Answers a transfer that is an AT command; false if it is none for this monitor.
  private mutating func monitorText(
    _ bytes: [UInt8], port: Int, _ out: inout [Emission]
  ) -> Bool {
    let command = String(decoding: bytes.dropLast(), as: UTF8.self).uppercased()
    guard command.hasPrefix("AT"), command.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
      return false
    }
    if options.strict, dataMode {
      complain("AT after AT^DATAMODE", port: port)
      return true
    }
    guard leaving == nil else {
      complain("AT while the stick is restarting", port: port)
      return true
    }
    record(.host, .at, bytes, port: port)
    if let answer = monitorAnswer(command, port: port) {
      send([UInt8](answer.utf8), .at, port: port, &out)
      return true
    }
    complain("AT command unknown to the monitor: \(command)", port: port)
    if personality.monitor == .v3r3 { return true }
    // V7R11 hands the text to its frame decoder; an idle one was seen to answer 06 (hw-063).
    if decoder.isMidFrame { return false }
    if !options.silentUnknownCommand { refuse(6, port: port, &out) }
    return true
  }

  private mutating func monitorAnswer(_ command: String, port: Int) -> String? {
    let fine = "\r\nOK\r\n"
    let newer = personality.monitor != .v3r3
    switch command {
    case "ATE0", "ATE1", "AT+CMEE=0", "AT^GODLOAD": return fine
    case "AT^DATAMODE": return enterDataMode(port: port) ? fine : "\r\nERROR\r\n"
    case "AT^DLOADVER?": return "\r\n2.0\r\n\(fine)"
    case "AT^AUTHORITYVER?": return "\r\n1000\r\n\(fine)"
    case "AT^AUTHORITYID?":
      return flash.nv.imei.isEmpty ? "\r\nERROR\r\n" : "\r\n\(flash.nv.imei)\r\n\(fine)"
    case "AT^DLOADINFO?": return downloadInfo
    case "AT^HWNATQRY?": return "\r\n^HWNATQRY:0\r\n\(fine)"
    case "AT^FLASHINFO?":
      let text = "MMC BLOCK COUNT:1024,PAGE SIZE:2048,PAGE COUNT PER BLOCK:64"
      return "\r\n~~~~~~FLASH INFO~~~~~~:\r\n\r\n\(text)\r\n\(fine)"
    case "AT^NVBACKUP" where newer:
      flash.nvBackup = flash.nv
      return "\r\n0\r\n\(fine)"
    default:
      guard newer, options.signed, command.hasPrefix("AT^SIGNVER=") else { return nil }
      guard signatureIsKnown(command.dropFirst(11)) else {
        complain("AT^SIGNVER refused", port: port)
        return "\r\nERROR\r\n"
      }
      signatureSeen = true
      return "\r\n0\r\n\(fine)"
    }
  }

  private mutating func enterDataMode(port: Int) -> Bool {
    if options.refusesDataMode {
      complain("AT^DATAMODE is not supported", port: port)
      return false
    }
    if options.signed, !signatureSeen {
      complain("AT^DATAMODE before AT^SIGNVER", port: port)
      return false
    }
    dataMode = true
    return true
  }

  /// `<type>,0,<64 hex digits>,<length>`.
  private func signatureIsKnown(_ argument: Substring) -> Bool {
    let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == 4, let kind = Int(fields[0]), (1...7).contains(kind),
      fields[1] == "0", fields[2].utf8.count == 64, fields[2].allSatisfy(\.isHexDigit),
      let length = Int(fields[3]), (46...65_535).contains(length)
    else { return false }
    if let key = options.keyHash, fields[2] != key.uppercased() { return false }
    return options.signatureLengths?.contains(length) ?? true
  }
}
