import SmithBytes
import SmithLink
import SmithModel

/// HDLC commands of download mode (Docs/Protocols/balong-download.md sections 4 to 6).
extension HuaweiBalongStick {
  private var isV3R3: Bool { personality.monitor == .v3r3 }

  mutating func receiveFrames(_ bytes: [UInt8], port: Int, _ out: inout [Emission]) {
    var index = 0
    while let outcome = decoder.next(bytes, &index) {
      switch outcome {
      case .flawed(let flaw):
        complain("damaged frame: \(flaw)", port: port)
        if !(options.silentBadCRC ?? !isV3R3) { refuse(3, port: port, &out) }
      case .frame:
        let body = decoder.take()
        record(.host, .hdlc, [UInt8](body.dropLast(2)), port: port)
        obey(body, length: body.count - 2, port: port, &out)
        decoder.recycle(body)
      }
      if busy != nil, index < bytes.count {
        backlog.insert([UInt8](bytes[index...]), at: 0)
        backlogBytes += bytes.count - index
        return
      }
    }
  }

  private mutating func obey(
    _ body: [UInt8], length: Int, port: Int, _ out: inout [Emission]
  ) {
    if leaving != nil {
      // Only a repeated 0A is answered while the stick counts down to its restart.
      if body[0] == 0x0a, length == 1, finishing {
        acknowledge(port: port, &out)
      } else {
        complain("frame \([body[0]].hex) while the stick is restarting", port: port)
      }
      return
    }
    if let fixed = fixedLength(body[0]), fixed != length {
      complain("frame \([body[0]].hex) of \(length) bytes", port: port)
      refuse(3, port: port, &out)
      return
    }
    switch body[0] {
    case 0x0c: sendVersion(port: port, &out)
    case 0x45:
      reply(padded([0x45] + Array("HUAWEI \(personality.downloadID)".utf8), 21), port, &out)
    case 0x46: reply(padded([0x46, 0x18] + Array(flash.firmware.utf8), 26), port, &out)
    case 0x4b: reply(padded([0x4b, 0xc9, 3, 0xff] + Array(flash.firmware.utf8), 66), port, &out)
    case 0xfb: reply([0xfb, 0], port, &out)
    case 0x3a: reply([0x3a], port, &out)
    case 0x41: startItem(body, port: port, &out)
    case 0x42: takeBlock(body, length: length, port: port, &out)
    case 0x43: endItem(body, port: port, &out)
    case 0x0a: finish(port: port, &out)
    case 0x01 where options.strict && length == 1:
      dataMode = false
      acknowledge(port: port, &out)
    default:
      complain("unknown command \([body[0]].hex)", port: port)
      if !options.silentUnknownCommand { refuse(6, port: port, &out) }
    }
  }

  // MARK: 41, 42, 43, 0A

  private mutating func startItem(_ body: [UInt8], port: Int, _ out: inout [Emission]) {
    let id = Self.big32(body, 1)
    let size = Int(Self.big32(body, 5))
    // Whatever comes of it, a V3R3 decoder starts afresh and waits for an opening flag.
    if isV3R3 { decoder.restart() }
    if options.signed, !signatureSeen {
      complain("41 before AT^SIGNVER", port: port)
      refuse(2, port: port, &out)
      return
    }
    item = nil
    ended = nil
    counter = 0
    guard size > 0, size <= sizeLimit(id), isAcceptedType(id), flash.hasRoom(id, size, options)
    else {
      complain("item \(id) of \(size) bytes is not accepted", port: port)
      failOperation(port: port, &out)
      return
    }
    if body[9] | body[10] | body[11] != 0 { complain("filler of 41 is not zero", port: port) }
    item = flash.begin(id, announced: size)
    work(options.startDelay, .acknowledge, port: port, &out)
  }

  private mutating func takeBlock(
    _ body: [UInt8], length: Int, port: Int, _ out: inout [Emission]
  ) {
    guard length >= 7 else {
      complain("42 of \(length) bytes", port: port)
      refuse(4, port: port, &out)
      return
    }
    let number = Self.big32(body, 1)
    let count = Int(body[5]) << 8 | Int(body[6])
    let isRepeat = item != nil && number == counter
    if isV3R3, isRepeat {
      acknowledge(port: port, &out)
      return
    }
    guard length == count + 7 else {
      complain("42 announces \(count) bytes and brings \(length - 7)", port: port)
      refuse(4, port: port, &out)
      return
    }
    if isRepeat {
      if number == 0 { complain("block 0 is thrown away", port: port) }
      acknowledge(port: port, &out)
      return
    }
    guard let item, number == counter &+ 1 else {
      complain(
        item == nil ? "42 without 41" : "block \(number) after block \(counter)", port: port)
      failOperation(port: port, &out)
      return
    }
    guard flash.items[item].bytes.count + count <= flash.items[item].announced,
      count > 0, !isVersionSlot(flash.items[item].id) || number == 1
    else {
      complain("block \(number) does not fit the announced size", port: port)
      self.item = nil
      failOperation(port: port, &out)
      return
    }
    counter = number
    flash.items[item].bytes.append(contentsOf: body[7..<(7 + count)])
    work(options.blockDelay, .acknowledge, port: port, &out)
  }

  private mutating func endItem(_ body: [UInt8], port: Int, _ out: inout [Emission]) {
    let size = Self.big32(body, 1)
    let id = Self.big32(body, 8)
    guard let item else {
      if let ended, ended.id == id, ended.size == size {
        acknowledge(port: port, &out)
      } else {
        complain("43 without 41", port: port)
        failOperation(port: port, &out)
      }
      return
    }
    guard flash.items[item].id == id else {
      complain("43 for item \(id) while item \(flash.items[item].id) is open", port: port)
      self.item = nil
      failOperation(port: port, &out)
      return
    }
    if Int(size) != flash.items[item].announced {
      complain("43 and 41 differ in size", port: port)
    }
    ended = (id, size)
    self.item = nil
    work(options.endDelay, .endItem(item), port: port, &out)
  }

  private mutating func finish(port: Int, _ out: inout [Emission]) {
    finishing = true
    flash.backupFlag = false
    if !flash.items.allSatisfy({ $0.state == .complete }) {
      complain("0A while an item is not complete", port: port)
    }
    flash.finishUpdate(layout: options.layout)
    acknowledge(port: port, &out)
    leave(after: .seconds(1), marker: false)
  }

  // MARK: Work that takes time

  private mutating func work(
    _ delay: Duration, _ then: Deferred, port: Int, _ out: inout [Emission]
  ) {
    if delay > .zero {
      busy = (clock + delay, then)
    } else {
      perform(then, port: port, &out)
    }
  }

  /// Ends what the monitor was busy with, then turns to what came meanwhile.
  mutating func finishWork(_ then: Deferred, _ out: inout [Emission]) {
    busy = nil
    let port = face?.ports.firstIndex(of: .download) ?? 0
    perform(then, port: port, &out)
    var waiting = backlog
    backlog = []
    backlogBytes = 0
    while busy == nil, !waiting.isEmpty {
      receiveDownload(waiting.removeFirst(), port: port, &out)
    }
    for bytes in waiting {
      backlog.append(bytes)
      backlogBytes += bytes.count
    }
  }

  private mutating func perform(_ then: Deferred, port: Int, _ out: inout [Emission]) {
    acknowledge(port: port, &out)
    guard case .endItem(let index) = then, flash.items.indices.contains(index) else { return }
    let done = flash.items[index]
    let isWhole = done.bytes.count == done.announced && Int(ended?.size ?? 0) == done.announced
    flash.items[index].state = isWhole ? .complete : .corrupt
    if !isWhole {
      complain(
        "item \(done.id) ended after \(done.bytes.count) of \(done.announced) bytes", port: port)
    }
    if Flash.partitionTables.contains(done.id), options.rebootOnPartitionTableChange, !isV3R3,
      flash.partitionTable(done.id) != done.bytes
    {
      leave(after: .milliseconds(100), marker: true)
    }
    if Flash.partitionTables.contains(done.id) { flash.rememberPartitionTable(done) }
  }

  // MARK: Answers

  /// 07; a V3R3 monitor then marks the flash as incomplete and restarts itself.
  private mutating func failOperation(port: Int, _ out: inout [Emission]) {
    refuse(7, port: port, &out)
    guard isV3R3 else { return }
    flash.allPartsComplete = false
    item = nil
    leave(after: .milliseconds(200), marker: true)
  }

  mutating func refuse(_ code: UInt8, port: Int, _ out: inout [Emission]) {
    send(HDLC.frame([3, 0, code]), .hdlc, port: port, &out)
  }

  private mutating func acknowledge(port: Int, _ out: inout [Emission]) {
    send(Self.acknowledgement, .hdlc, port: port, &out)
  }

  private mutating func reply(_ body: [UInt8], _ port: Int, _ out: inout [Emission]) {
    send(HDLC.frame(body), .hdlc, port: port, &out)
  }

  private mutating func sendVersion(port: Int, _ out: inout [Emission]) {
    let frame = HDLC.frame([0x0d, 0x0f] + Array("7200B--SKCBADZM".utf8))
    send(options.openingFlag ? frame : Array(frame.dropFirst()), .hdlc, port: port, &out)
  }

  private func padded(_ body: [UInt8], _ size: Int) -> [UInt8] {
    let cut = body.prefix(size)
    return Array(cut) + Array(repeating: 0, count: size - cut.count)
  }

  // MARK: Rules

  /// Body length without CRC that a command must have; nil if it may vary.
  private func fixedLength(_ command: UInt8) -> Int? {
    switch command {
    case 0x0c, 0x45, 0x46, 0xfb, 0x3a, 0x0a: 1
    case 0x41: 12
    case 0x43: 23
    default: nil
    }
  }

  static let acknowledgement: [UInt8] = [0x7e, 0x02, 0x6a, 0xd3, 0x7e]

  private func isVersionSlot(_ id: UInt32) -> Bool { !isV3R3 && (id == 1 || id == 2) }

  private func sizeLimit(_ id: UInt32) -> Int {
    switch (isV3R3, id) {
    case (true, 0xb0000): 88 << 20
    case (false, 0xb0000): 40 << 20
    case (false, 1): 25
    case (false, 2): 128
    default: options.flashSize
    }
  }

  private func isAcceptedType(_ id: UInt32) -> Bool {
    guard isV3R3 else { return true }
    return id < 0x114
      || [0xa0000, 0xb0000, 0x550000, 0x550103, 0x560000, 0x570000].contains(id)
  }

  private static func big32(_ body: [UInt8], _ at: Int) -> UInt32 {
    UInt32(body[at]) << 24 | UInt32(body[at + 1]) << 16 | UInt32(body[at + 2]) << 8
      | UInt32(body[at + 3])
  }
}
