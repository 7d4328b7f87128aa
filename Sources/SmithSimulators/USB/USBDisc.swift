import SmithBytes
import SmithLink

/// What makes a stick give up its disc and show its modem
/// (Docs/Protocols/usb-storage-cd.md section 4).
public enum USBDiscTrigger: Hashable, Sendable {
  /// A command that begins with 11 06.
  case huawei
  /// SET_FEATURE(1) for the device, as the oldest Huawei sticks take it.
  case feature
  /// START STOP UNIT with the eject bit.
  case eject
  /// A command that begins with 85 01 01 01.
  case zte
  /// A command that begins with 06 F5 04 02 52 70.
  case alcatel
  /// Vendor request 0B for the device.
  case sierra
}

/// The disc that a stick shows before it is a modem: SCSI over bulk-only transport
/// (Docs/Protocols/usb-storage-cd.md). Every refusal is one that real drives make.
public struct USBDisc: Sendable {
  /// Commands seen since power came, by operation code; the last 1024.
  public private(set) var seen: [UInt8] = []
  /// What the host sent beside the protocol.
  public private(set) var complaints: [String] = []

  private let vendor: String
  private let model: String
  private let image: [UInt8]
  private let triggers: Set<USBDiscTrigger>
  private let input: UInt8
  private let output: UInt8

  private var sense: (key: UInt8, code: UInt8, detail: UInt8) = (6, 0x28, 0)
  private var attention = true
  private var ejected = false
  private var locked = false
  private var awaited = 0
  private var status: [UInt8] = []
  private var isBroken = false

  /// A disc behind one pair of bulk endpoints.
  ///
  /// - Parameters:
  ///   - vendor: eight characters for INQUIRY.
  ///   - model: sixteen characters for INQUIRY.
  ///   - image: whole sectors of 2048 bytes.
  init(
    vendor: String, model: String, image: [UInt8], triggers: Set<USBDiscTrigger>, input: UInt8,
    output: UInt8
  ) {
    self.vendor = vendor
    self.model = model
    self.image = image
    self.triggers = triggers
    self.input = input
    self.output = output
  }

  /// Takes one transfer; says whether it was the one that ends the disc.
  mutating func take(_ bytes: [UInt8], at now: Duration) -> (out: [USBEmission], switches: Bool) {
    guard !isBroken else { return ([], false) }
    if awaited > 0 {
      awaited -= min(awaited, bytes.count)
      guard awaited == 0 else { return ([], false) }
      return ([USBEmission(endpoint: input, .transfer(status), at: now)], false)
    }
    guard let wrapper = CommandWrapper(bytes) else {
      complaints.append("\(bytes.count) bytes that are no command wrapper")
      isBroken = true
      return (
        [
          USBEmission(endpoint: input, .halt, at: now),
          USBEmission(endpoint: output, .halt, at: now),
        ], false
      )
    }
    if seen.count == 1024 { seen.removeFirst() }
    seen.append(wrapper.command[0])
    let outcome = obey(wrapper.command, limit: wrapper.length)
    let switches = outcome.trigger.map { triggers.contains($0) } ?? false
    return (answer(wrapper, outcome, at: now), switches)
  }

  /// Bulk-only reset: the next transfer is a command again.
  mutating func reset() {
    isBroken = false
    awaited = 0
  }

  // MARK: Transport

  private mutating func answer(_ wrapper: CommandWrapper, _ outcome: Outcome, at now: Duration)
    -> [USBEmission]
  {
    let data = wrapper.isIn ? Array(outcome.data.prefix(wrapper.length)) : []
    var status = Array("USBS".utf8)
    status.append(little: wrapper.tag)
    status.append(little: UInt32(clamping: wrapper.length - data.count))
    status.append(outcome.isGood ? 0 : 1)
    guard wrapper.length > 0 else {
      return [USBEmission(endpoint: input, .transfer(status), at: now)]
    }
    guard wrapper.isIn else {
      // What it does not want it swallows; the status waits for the last byte.
      awaited = wrapper.length
      self.status = status
      return []
    }
    var out: [USBEmission] = []
    if !data.isEmpty { out.append(USBEmission(endpoint: input, .transfer(data), at: now)) }
    // A short packet ends the data by itself; a full one, or none, needs the halt.
    if data.count < wrapper.length, data.count.isMultiple(of: 512) {
      out.append(USBEmission(endpoint: input, .halt, at: now))
    }
    out.append(USBEmission(endpoint: input, .transfer(status), at: now))
    return out
  }

  private struct CommandWrapper {
    let tag: UInt32
    let length: Int
    let isIn: Bool
    let command: [UInt8]

    init?(_ bytes: [UInt8]) {
      var reader = ByteReader(SharedBytes(bytes))
      guard bytes.count == 31, reader.little(UInt32.self) == 0x4342_5355,
        let tag = reader.little(UInt32.self), let length = reader.little(UInt32.self)
      else { return nil }
      self.tag = tag
      self.length = Int(length)
      isIn = bytes[12] & 0x80 != 0
      // The length of the command is not looked at: switch messages come with zero.
      command = Array(bytes[15..<31])
    }
  }

  // MARK: Commands

  private struct Outcome {
    var data: [UInt8] = []
    var isGood = true
    var trigger: USBDiscTrigger?
  }

  private mutating func refuse(_ key: UInt8, _ code: UInt8, _ detail: UInt8 = 0) -> Outcome {
    sense = (key, code, detail)
    return Outcome(isGood: false)
  }

  private var sectors: Int { image.count / DiscImage.sector }

  private mutating func obey(_ command: [UInt8], limit: Int) -> Outcome {
    switch command[0] {
    case 0x03: return requestSense()
    case 0x12: return inquiry(command)
    case 0x11 where command[1] == 0x06: return Outcome(trigger: .huawei)
    case 0x85 where Array(command[1...3]) == [1, 1, 1]: return Outcome(trigger: .zte)
    case 0x06 where Array(command[1...5]) == [0xf5, 4, 2, 0x52, 0x70]:
      return Outcome(trigger: .alcatel)
    case 0x1e:
      locked = command[4] & 1 != 0
      return Outcome()
    case 0x1b:
      let ejects = command[4] & 3 == 2
      if ejects, locked { return refuse(5, 0x53, 2) }
      if ejects { ejected = true }
      if command[4] & 3 == 3 { ejected = false }
      return Outcome(trigger: ejects ? .eject : nil)
    case 0x46: return Outcome(data: [0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 3, 4, 0, 8, 1, 0])
    case 0x4a: return command[1] & 1 == 0 ? refuse(5, 0x24) : events(command)
    case 0x1a, 0x5a: return modeSense(command)
    default: return needingMedium(command)
    }
  }

  /// Commands that a first unit attention or an ejected disc makes fail.
  private mutating func needingMedium(_ command: [UInt8]) -> Outcome {
    if attention {
      attention = false
      return refuse(6, 0x28)
    }
    guard [0x00, 0x25, 0x28, 0xa8, 0x43, 0x51, 0x52].contains(command[0]) else {
      return refuse(5, 0x20)
    }
    if ejected { return refuse(2, 0x3a) }
    switch command[0] {
    case 0x25:
      var data: [UInt8] = []
      data.append(big: UInt32(clamping: sectors - 1))
      data.append(big: UInt32(DiscImage.sector))
      return Outcome(data: data)
    case 0x28: return read(at: word(command, 2), count: command[7...8].number)
    case 0xa8: return read(at: word(command, 2), count: word(command, 6))
    case 0x43: return contents(command)
    case 0x51:
      // One finished session of one track.
      return Outcome(
        data: [0, 32, 0x0e, 1, 1, 1, 1, 0x20] + [UInt8](repeating: 0, count: 26))
    case 0x52: return refuse(5, 0x24)
    default: return Outcome()
    }
  }

  private func word(_ command: [UInt8], _ place: Int) -> Int { command[place..<place + 4].number }

  private mutating func requestSense() -> Outcome {
    defer {
      sense = (0, 0, 0)
      attention = false
    }
    return Outcome(
      data: [
        0x70, 0, sense.key, 0, 0, 0, 0, 10, 0, 0, 0, 0, sense.code, sense.detail, 0, 0, 0, 0,
      ])
  }

  private mutating func inquiry(_ command: [UInt8]) -> Outcome {
    guard command[1] & 1 == 0, command[2] == 0 else { return refuse(5, 0x24) }
    func blank(_ text: String, _ width: Int) -> [UInt8] {
      let kept = Array(text.utf8.prefix(width))
      return kept + [UInt8](repeating: 0x20, count: width - kept.count)
    }
    let data: [UInt8] =
      [5, 0x80, 2, 2, 31, 0, 0, 0] + blank(vendor, 8) + blank(model, 16) + blank("2.31", 4)
    return Outcome(data: Array(data.prefix(command[3...4].number)))
  }

  private mutating func read(at start: Int, count: Int) -> Outcome {
    guard start <= sectors, count <= sectors - start else { return refuse(5, 0x21) }
    let from = start * DiscImage.sector
    return Outcome(data: Array(image[from..<from + count * DiscImage.sector]))
  }

  /// READ TOC: one data track and the lead-out; or where the only session begins.
  private mutating func contents(_ command: [UInt8]) -> Outcome {
    let inTime = command[1] & 2 != 0
    func address(_ sector: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      guard inTime else {
        bytes.append(big: UInt32(clamping: sector))
        return bytes
      }
      let frame = sector + 150
      return [0, UInt8(clamping: frame / 4500), UInt8(frame / 75 % 60), UInt8(frame % 75)]
    }
    let format = command[2] & 0x0f | command[9] >> 6
    let data: [UInt8]
    switch format {
    case 0:
      data =
        [0, 18, 1, 1, 0, 0x14, 1, 0] + address(0) + [0, 0x14, 0xaa, 0] + address(sectors)
    case 1: data = [0, 10, 1, 1, 0, 0x14, 1, 0] + address(0)
    default: return refuse(5, 0x24)
    }
    return Outcome(data: Array(data.prefix(command[7...8].number)))
  }

  private func events(_ command: [UInt8]) -> Outcome {
    guard command[4] & 0x10 != 0 else { return Outcome(data: [0, 2, 0x80, 0x10]) }
    return Outcome(data: [0, 6, 4, 0x10, 0, ejected ? 0 : 2, 0, 0])
  }

  /// MODE SENSE in both lengths: the page of capabilities, or all pages, which is the same.
  private mutating func modeSense(_ command: [UInt8]) -> Outcome {
    let page: [UInt8] = [0x2a, 18, 0, 0, 0, 0, 0x29, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0]
    guard [0x2a, 0x3f].contains(command[2] & 0x3f) else { return refuse(5, 0x24) }
    if command[0] == 0x1a {
      let data = [UInt8(page.count + 3), 1, 0x80, 0] + page
      return Outcome(data: Array(data.prefix(Int(command[4]))))
    }
    let data = [0, UInt8(page.count + 6), 1, 0x80, 0, 0, 0, 0] + page
    return Outcome(data: Array(data.prefix(command[7...8].number)))
  }
}

extension ArraySlice<UInt8> {
  /// The bytes as one number, highest first.
  fileprivate var number: Int { reduce(0) { $0 << 8 | Int($1) } }
}
