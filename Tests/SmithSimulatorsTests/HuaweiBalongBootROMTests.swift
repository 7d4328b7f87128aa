import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@Suite("The simulated boot ROM") struct HuaweiBalongBootROMTests {
  private func bricked(_ personality: HuaweiBalongStick.Personality = .e3131) -> Desk {
    var desk = Desk(personality)
    desk.stick.flash.brick()
    desk.cutPower()
    return desk
  }

  private func packet(_ body: [UInt8]) -> [UInt8] {
    let crc = CRC16XMODEM.of(body)
    return body + [UInt8(crc >> 8), UInt8(crc & 0xff)]
  }

  private func head(_ mode: UInt8, _ size: Int, _ address: UInt32) -> [UInt8] {
    var body: [UInt8] = [0xfe, 0, 0xff, mode]
    body.append(big: UInt32(size))
    body.append(big: address)
    return packet(body)
  }

  /// Head, data and end of a part, packet by packet.
  private func packets(_ mode: UInt8, _ data: [UInt8], at address: UInt32) -> [[UInt8]] {
    var all = [head(mode, data.count, address)]
    var number: UInt8 = 1
    for start in stride(from: 0, to: data.count, by: 1024) {
      let piece = data[start..<min(start + 1024, data.count)]
      all.append(packet([0xda, number, ~number] + piece))
      number &+= 1
    }
    return all + [packet([0xed, number, ~number])]
  }

  private func upload(_ loader: [UInt8]) -> [[UInt8]] {
    packets(1, [UInt8](repeating: 9, count: 1500), at: 0xfffd_0000)
      + packets(2, loader, at: 0x3010_4000)
  }

  @Test("shows one port with the id 1443 and knows the published packets") func published() {
    var desk = bricked()
    #expect(desk.stick.face?.id == USBID(0x12d1, 0x1443))
    #expect(desk.stick.face?.ports == [.bootROM])
    #expect(desk.hex("41") == "55")
    #expect(desk.hex("FE00FF010000082CFFFD0000DCDD") == "aa")
    #expect(packet([0xda, 1, 0xfe, 0, 1, 2, 3]).hex == "da01fe00010203664f")
    #expect(packet([0xed, 0x4d, 0xb2]).hex == "ed4db21e69")
  }

  @Test("takes packets however they are cut") func split() {
    let stream = upload([UInt8](repeating: 7, count: 2100)).flatMap { $0 }
    for size in [1, 2, 3, 5, 13, 64, 1000, 5000] {
      var desk = bricked()
      var answers: [UInt8] = []
      for start in stride(from: 0, to: stream.count, by: size) {
        answers += desk.send(Array(stream[start..<min(start + size, stream.count)]))
      }
      #expect(answers == [UInt8](repeating: 0xaa, count: 9), "in pieces of \(size)")
      desk.waitForReturn()
      #expect(desk.stick.face?.ports.contains(.download) == true)
    }
  }

  @Test("refuses wrong checks, numbers and order, and goes on") func strict() {
    var desk = bricked()
    let good = packets(1, [1, 2, 3], at: 0xfffd_0000)
    var flipped = good[0]
    flipped[5] ^= 1
    #expect(desk.send(flipped) == [0x55])
    #expect(desk.send(packet([0xed, 1, 0xfe])) == [0x55], "an end without a head")
    #expect(desk.send(head(2, 10, 0x3010_4000)) == [0x55], "the loader first")
    #expect(desk.send(head(1, 0, 0xfffd_0000)) == [0x55])
    #expect(desk.send(good[0]) == [0xaa])
    #expect(desk.send(packet([0xda, 2, 0xfd, 1, 2, 3])) == [0x55], "the second first")
    #expect(desk.send(packet([0xda, 1, 0xfd, 1, 2, 3])) == [0x55], "a wrong complement")
    #expect(desk.send(packet([0xed, 1, 0xfe])) == [0x55], "before the last byte")
    #expect(desk.send(good[1]) == [0xaa])
    #expect(desk.send(good[2]) == [0xaa])
    #expect(desk.stick.complaints.count == 7)
  }

  @Test("loses everything of the unit to a stock loader, and nothing to another") func stock() {
    var loader = [UInt8](repeating: 7, count: 3000)
    for erases in [false, true] {
      if erases { loader.replaceSubrange(40..<54, with: [UInt8]("SMITHSIM-ERASE".utf8)) }
      var desk = bricked()
      let before = desk.stick.flash
      for packet in upload(loader) { #expect(desk.send(packet) == [0xaa]) }
      desk.waitForReturn()
      #expect(desk.stick.face?.ports.contains(.download) == true)
      #expect((desk.stick.flash == before) == !erases)
      #expect(desk.stick.flash.nv.imei.isEmpty == erases)
      #expect(desk.stick.flash.items.allSatisfy { $0.state == .complete } == false)
    }
  }

  @Test("is shown by a healthy stick whose boot pin is grounded, until the next plug") func pin() {
    var desk = Desk(.e3372h)
    desk.stick.bootPinIsGrounded = true
    desk.cutPower()
    #expect(desk.stick.face?.ports == [.bootROM])
    desk.cutPower()
    #expect(desk.role == .at)
  }

  @Test("forgets a loader with the power") func forgets() {
    var desk = bricked()
    for packet in upload([1, 2, 3]) { _ = desk.send(packet) }
    desk.cutPower()
    #expect(desk.stick.face?.ports == [.bootROM])
  }
}
