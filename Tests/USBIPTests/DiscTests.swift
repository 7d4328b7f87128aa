import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import Testing

@Suite("The disc of a stick") struct DiscTests {
  @Test("A disc names itself, has a first unit attention, and then a size")
  func first() {
    let host = TestHost.huawei()
    #expect(host.attach() == 0)
    #expect(host.control([0xa1, 0xfe, 0, 0, 0, 0, 1, 0])?.data == [0])
    let inquiry = host.scsi([0x12, 0, 0, 0, 36, 0], in: 36)
    #expect(inquiry.status == 0)
    #expect(inquiry.data.first == 5)
    #expect(String(decoding: inquiry.data[8..<16], as: UTF8.self) == "HUAWEI  ")
    #expect(host.scsi([0, 0, 0, 0, 0, 0]).status == 1)
    let sense = host.scsi([3, 0, 0, 0, 18, 0], in: 18)
    #expect(sense.data[2] == 6 && sense.data[12] == 0x28)
    #expect(host.scsi([0, 0, 0, 0, 0, 0]).status == 0)
    let size = host.scsi([0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], in: 8)
    #expect(Array(size.data[4...]) == [0, 0, 8, 0])
  }

  @Test("The disc is a real ISO 9660 image whose files are found where its folder says")
  func image() throws {
    let host = TestHost.huawei()
    #expect(host.attach() == 0)
    _ = host.scsi([0, 0, 0, 0, 0, 0])
    func read(_ sector: Int, _ count: Int = 1) -> [UInt8] {
      host.scsi(
        [0x28, 0, 0, 0, UInt8(sector >> 8), UInt8(sector & 255), 0, 0, UInt8(count), 0],
        in: count * 2048
      ).data
    }
    let volume = read(16)
    #expect(Array(volume[..<6]) == [1] + Array("CD001".utf8))
    #expect(read(17).first == 255)
    let folder = read(Int(volume[156 + 2]))
    var place = 0
    var files: [String: (sector: Int, size: Int)] = [:]
    while folder[place] > 0 {
      let name = folder[place + 33..<place + 33 + Int(folder[place + 32])]
      files[String(decoding: name, as: UTF8.self)] = (
        Int(folder[place + 2]), Int(folder[place + 10]) | Int(folder[place + 11]) << 8
      )
      place += Int(folder[place])
    }
    let autorun = try #require(files["AUTORUN.INF;1"])
    let text = String(decoding: read(autorun.sector).prefix(autorun.size), as: UTF8.self)
    #expect(text.hasPrefix("[AutoRun]\r\n"))
    #expect(text.hasSuffix("\r\n"))
  }

  @Test("What the disc does not know it refuses with a halt and a reason")
  func refusal() {
    let host = TestHost.huawei()
    #expect(host.attach() == 0)
    _ = host.scsi([0, 0, 0, 0, 0, 0])
    // The page of serial numbers, which a disc does not have.
    let refused = host.scsi([0x12, 1, 0x80, 0, 255, 0], in: 255)
    #expect(refused.data.isEmpty)
    #expect(refused.status == 1)
    let sense = host.scsi([3, 0, 0, 0, 18, 0], in: 18).data
    #expect(sense[2] == 5 && sense[12] == 0x24)
    #expect(host.scsi([0x28, 0, 0xff, 0, 0, 0, 0, 0, 1, 0], in: 2048).status == 1)
    #expect(host.scsi([0xc7, 0, 0, 0, 0, 0]).status == 1)
  }

  @Test("Bytes that are no command halt both endpoints until a reset")
  func garbage() {
    let host = TestHost.huawei()
    #expect(host.attach() == 0)
    host.submit(0x01, data: [1, 2, 3])
    #expect(host.read(0x81, 13)?.status == -32)
    let next = host.submit(0x01, data: TestHost.wrapper([0, 0, 0, 0, 0, 0]))
    #expect(host.answer(next)?.status == -32)
    #expect(host.control([0x21, 0xff, 0, 0, 0, 0, 0, 0])?.status == 0)
    #expect(host.control([2, 1, 0, 0, 0x81, 0, 0, 0])?.status == 0)
    #expect(host.control([2, 1, 0, 0, 0x01, 0, 0, 0])?.status == 0)
    #expect(host.scsi([0x12, 0, 0, 0, 36, 0], in: 36).status == 0)
  }

  @Test("Huawei's message, sent with command length zero, makes a modem of the disc")
  func huawei() throws {
    let message = try #require(
      [UInt8](hex: "55534243123456780000000000000011062000000101000100000000000000"))
    let host = TestHost.huawei()
    #expect(host.attach() == 0)
    host.submit(0x01, data: message)
    #expect(host.session.isOver)
    host.session.release(&host.shelf)
    #expect(host.attach() == 4)
    host.pass(.seconds(2))
    #expect(host.id == USBID(0x12d1, 0x1506))
    #expect(host.attach() == 0)
  }

  @Test("ZTE's disc goes at an eject, but not while the host holds the tray")
  func eject() {
    let host = TestHost([USBStick(QualcommBody(version: "X"))])
    host.pass(.seconds(1))
    #expect(host.id == USBID(0x19d2, 0x2000))
    #expect(host.attach() == 0)
    #expect(host.scsi([0x1e, 0, 0, 0, 1, 0]).status == 0)
    #expect(host.scsi([0x1b, 0, 0, 0, 2, 0]).status == 1)
    #expect(host.scsi([0x1e, 0, 0, 0, 0, 0]).status == 0)
    host.submit(0x01, data: TestHost.wrapper([0x1b, 0, 0, 0, 2, 0]))
    host.session.release(&host.shelf)
    host.pass(.seconds(2))
    #expect(host.id == USBID(0x19d2, 0x0016))
  }

  @Test("Sierra's installer goes at a vendor request on endpoint zero")
  func sierra() {
    let host = TestHost([USBStick(SierraStick(.usb306))])
    host.pass(.seconds(15))
    #expect(host.id == USBID(0x1199, 0x0fff))
    #expect(host.attach() == 0)
    host.submit(0, setup: [0x40, 0x0b, 1, 0, 0, 0, 0, 0])
    host.session.release(&host.shelf)
    host.pass(.seconds(2))
    #expect(host.id == USBID(0x1199, 0x68a3))
  }

  @Test("The disc comes back after every restart only where that is the stick's habit")
  func habits() {
    for (habit, product): (USBStick<HuaweiBalongStick>.DiscHabit, UInt16) in [
      (.always, 0x15ca), (.once, 0x1506), (.never, 0x1506),
    ] {
      let host = TestHost.huawei(habit)
      #expect(host.attach() == 0)
      if habit != .never {
        host.submit(0x01, data: TestHost.wrapper([0x11, 6, 0x20, 0, 0, 1, 0, 0, 0]))
        host.pass(.seconds(2))
        #expect(host.attach() == 0)
      }
      host.submit(0x01, data: Array("AT^RESET\r".utf8))
      host.pass(.seconds(30))
      #expect(host.id?.product == product)
    }
  }

  @Test("A disc may be slow to become a modem, deaf to it, or come back as the disc")
  func refusals() {
    let message = TestHost.wrapper([0x11, 6, 0x20, 0, 0, 1, 0, 0, 0])
    for (habit, product): (USBStick<HuaweiBalongStick>.DiscHabit, UInt16) in [
      (.slow, 0x1506), (.deaf, 0x15ca), (.looping, 0x15ca),
    ] {
      let host = TestHost.huawei(habit)
      #expect(host.attach() == 0)
      host.submit(0x01, data: message)
      guard habit != .deaf else {
        #expect(!host.session.isOver)
        #expect(host.read(0x81, 13)?.data.last == 0, "it says that all is well")
        #expect(host.id?.product == product)
        continue
      }
      #expect(host.session.isOver)
      host.session.release(&host.shelf)
      host.pass(.seconds(1))
      #expect(host.id == nil)
      host.pass(.seconds(habit == .slow ? 9 : 1))
      #expect(host.id?.product == (habit == .slow ? nil : product))
      host.pass(.seconds(6))
      #expect(host.id?.product == product)
      #expect(host.attach() == 0)
    }
  }
}
