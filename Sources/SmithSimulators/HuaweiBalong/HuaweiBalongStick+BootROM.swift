import SmithBytes
import SmithLink

/// The boot ROM (Docs/Protocols/balong-bootrom.md sections 2, 3 and 6).
extension HuaweiBalongStick {
  /// What the boot ROM remembers between two packets.
  struct BootROMSession: Equatable, Sendable {
    struct Part: Equatable, Sendable {
      var mode: UInt8
      var size: Int
      var address: UInt32
      var bytes: [UInt8] = []
      var number: UInt8 = 1
    }

    /// Bytes of a packet that is not complete yet.
    var pending: [UInt8] = []
    var part: Part?
    /// Addresses of parts that ran, mode 1 only.
    var ran: [UInt32] = []
    var isOver = false
  }

  /// What was started.
  struct LoaderStart: Equatable, Sendable {
    var erases: Bool
  }

  mutating func receiveBootROM(_ bytes: [UInt8], port: Int, _ out: inout [Emission]) {
    for byte in bytes {
      guard !loading.isOver else {
        complain("byte \([byte].hex) after the loader was started", port: port)
        continue
      }
      if loading.pending.isEmpty, !takesFirst(byte, port: port, &out) { continue }
      loading.pending.append(byte)
      guard let length = packetLength, loading.pending.count >= length else { continue }
      let packet = loading.pending
      loading.pending = []
      record(.host, .bootrom, packet, port: port)
      let taken = CRC16XMODEM.of(packet) == 0 && obeyBootROM(packet, port: port)
      if !taken { complain("boot ROM packet \(packet.prefix(4).map { $0 }.hex)", port: port) }
      send([taken ? 0xaa : 0x55], .bootrom, port: port, &out)
    }
  }

  /// Whether a byte begins a packet; the handshake is answered here.
  private mutating func takesFirst(_ byte: UInt8, port: Int, _ out: inout [Emission]) -> Bool {
    switch byte {
    case 0xfe, 0xda, 0xed: return true
    case 0x41:
      record(.host, .bootrom, [byte], port: port)
      send([0x55], .bootrom, port: port, &out)
    default: complain("byte \([byte].hex) unknown to the boot ROM", port: port)
    }
    return false
  }

  /// How long the packet is that has begun. Data packets do not say: all but the last are full.
  private var packetLength: Int? {
    switch loading.pending.first {
    case 0xfe: 14
    case 0xed: 5
    case 0xda:
      loading.part.map { 5 + min(1024, max(0, $0.size - $0.bytes.count)) } ?? 5
    default: nil
    }
  }

  private mutating func obeyBootROM(_ packet: [UInt8], port: Int) -> Bool {
    switch packet[0] {
    case 0xfe: beginPart(packet)
    case 0xda: takeData(packet)
    default: endPart(packet, port: port)
    }
  }

  private mutating func beginPart(_ packet: [UInt8]) -> Bool {
    func word(_ at: Int) -> UInt32 {
      packet[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
    let mode = packet[3]
    let size = word(4)
    guard packet[1] == 0, packet[2] == 0xff, mode == 1 || mode == 2, size > 0, size <= 16 << 20,
      mode == 1 || !loading.ran.isEmpty
    else { return false }
    loading.part = BootROMSession.Part(mode: mode, size: Int(size), address: word(8))
    return true
  }

  private mutating func takeData(_ packet: [UInt8]) -> Bool {
    guard let part = loading.part, packet[1] == part.number, packet[2] == ~part.number,
      packet.count > 5
    else { return false }
    loading.part?.bytes += packet[3..<(packet.count - 2)]
    loading.part?.number &+= 1
    return true
  }

  private mutating func endPart(_ packet: [UInt8], port: Int) -> Bool {
    guard let part = loading.part, packet[1] == part.number, packet[2] == ~part.number,
      part.bytes.count == part.size
    else { return false }
    loading.part = nil
    let wanted = personality.loaderAddresses
    guard part.address == wanted[part.mode == 1 ? 0 : 1] else {
      complain("part \(part.mode) at an address of another chip", port: port)
      return false
    }
    if part.mode == 1 {
      loading.ran.append(part.address)
      return true
    }
    guard !options.secureBoot else { return false }
    loading.isOver = true
    loader = LoaderStart(erases: erases(part.bytes))
    if loader?.erases == true { complain("a loader that erases was started", port: port) }
    leave(after: .milliseconds(200), marker: false)
    return true
  }

  /// Whether a loader of this chip calls its erasing (Docs/Protocols/balong-loader.md section 4).
  private func erases(_ code: [UInt8]) -> Bool {
    let call: (pattern: [UInt8], distance: Int) =
      switch personality.monitor {
      case .v3r3: ([UInt8]("SMITHSIM-ERASE".utf8), 0)
      case .v7r1:
        (
          [
            0x3d, 0xe2, 0xe0, 0xe3, 0x00, 0xe0, 0x9e, 0xe5, 0x5c, 0xc3, 0x9f, 0xe5, 0x0c, 0x00,
            0x5e, 0xe1, 0x00, 0x00, 0x00, 0x0a,
          ], 0
        )
      case .v7r11:
        (
          [
            0x00, 0x00, 0x50, 0xe3, 0x70, 0x80, 0xbd, 0x08, 0x00, 0x30, 0xa0, 0xe3, 0x4e, 0x26,
            0x04, 0xe3, 0xe0, 0x3f, 0x44, 0xe3, 0x55, 0x22, 0x44, 0xe3, 0x4c, 0x01, 0x9f, 0xe5,
            0x4e, 0xc6, 0x04, 0xe3, 0x48, 0x41, 0x9f, 0xe5, 0x02, 0x10, 0xa0, 0xe1, 0x4c, 0xc4,
            0x44, 0xe3, 0x5c, 0x23, 0x83, 0xe5, 0x00, 0x00, 0x8f, 0xe0, 0x40, 0xc3, 0x83, 0xe5,
          ], 4
        )
      }
    var start = 0
    while start + call.pattern.count <= code.count {
      if code[start] == call.pattern[0],
        code[start..<(start + call.pattern.count)].elementsEqual(call.pattern)
      {
        let place = start + call.pattern.count + call.distance
        guard place + 4 <= code.count else { return true }
        return code[place..<(place + 4)].map { $0 } != [0x00, 0x00, 0xa0, 0xe3]
      }
      start += 1
    }
    return false
  }
}

extension HuaweiBalongStick.Personality {
  /// Where memory set-up and loader go (Docs/Protocols/balong-loader.md section 2).
  var loaderAddresses: [UInt32] {
    switch monitor {
    case .v3r3: [0xfffd_0000, 0x3010_4000]
    case .v7r1: [0x2ffe_4000, 0x3000_4000]
    case .v7r11: [0x1000_0000, 0x5790_0000]
    }
  }
}
