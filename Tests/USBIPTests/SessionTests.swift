import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import Testing

@Suite("USB/IP without a socket") struct SessionTests {
  @Test("The list shows every stick with its id and the classes of its interfaces")
  func list() {
    let host = TestHost([
      USBStick(HuaweiBalongStick(personality: .e3131)),
      USBStick(SierraStick(.mc7700), disc: .never),
    ])
    host.pass(.seconds(20))
    let bytes = host.list()
    #expect(Array(bytes[..<12]) == [0x01, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2])
    #expect(String(printable: Array(bytes[12 + 256..<12 + 288])) == "1-1")
    #expect(Array(bytes[12 + 300..<12 + 304]) == [0x12, 0xd1, 0x15, 0xca])
    #expect(Array(bytes[12 + 312..<12 + 316]) == [8, 6, 0x50, 0])
    let second = 12 + 316
    #expect(Array(bytes[second + 300..<second + 304]) == [0x11, 0x99, 0x68, 0xa2])
    #expect(bytes.count == second + 312 + Int(bytes[second + 311]) * 4)
  }

  @Test("A stick is given to one host, and a name that is not there to none")
  func importing() {
    let host = TestHost.huawei()
    #expect(host.attach("9-9") == 4)
    #expect(host.session.isOver)
    #expect(host.attach() == 0)
    let first = host.session
    #expect(host.attach() == 2)
    host.session = first
    #expect(host.session.slot == 0)
  }

  @Test("Descriptors are whole, cut to what is asked for, and refused where there are none")
  func descriptors() throws {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    let device = try #require(host.control([0x80, 6, 0, 1, 0, 0, 64, 0]))
    #expect(device.data.count == 18)
    #expect(Array(device.data[8..<12]) == [0xd1, 0x12, 0x06, 0x15])
    let head = try #require(host.control([0x80, 6, 0, 2, 0, 0, 9, 0]))
    let total = Int(head.data[2]) | Int(head.data[3]) << 8
    let whole = try #require(host.control([0x80, 6, 0, 2, 0, 0, 255, 0]))
    #expect(whole.data.count == total)
    // Every descriptor's length leads to the next one, and the last one ends the whole.
    var place = 0
    var interfaces: [[UInt8]] = []
    while place < total {
      if whole.data[place + 1] == 4 { interfaces.append(Array(whole.data[place + 5..<place + 8])) }
      place += Int(whole.data[place])
    }
    #expect(place == total)
    #expect(interfaces == [[0xff, 2, 2], [0xff, 2, 3]])
    let text = try #require(host.control([0x80, 6, 1, 3, 9, 4, 255, 0]))
    #expect(Int(text.data[0]) == text.data.count)
    #expect(host.control([0x80, 6, 0, 6, 0, 0, 10, 0])?.data.count == 10)
    #expect(host.control([0x80, 6, 0, 15, 0, 0, 5, 0])?.status == -32)
    #expect(host.control([0, 9, 1, 0, 0, 0, 0, 0])?.status == 0)
    #expect(host.control([0x80, 8, 0, 0, 0, 0, 1, 0])?.data == [1])
    #expect(host.control([0, 9, 7, 0, 0, 0, 0, 0])?.status == -32)
    #expect(host.control([1, 11, 3, 0, 0, 0, 0, 0])?.status == -32)
  }

  @Test("A read stays open until the stick says something, and a short answer ends it")
  func serial() throws {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    let reading = host.submit(0x81, length: 4096)
    #expect(host.answer(reading) == nil)
    let writing = host.submit(0x01, data: Array("ATE0\r".utf8))
    #expect(host.answer(writing)?.length == 5)
    host.pass(.milliseconds(100))
    let answer = try #require(host.answer(reading))
    #expect(String(decoding: answer.data, as: UTF8.self).contains("OK"))
    // Stale bytes in the setup field of other endpoints mean nothing.
    #expect(host.control([0x21, 0x22, 3, 0, 0, 0, 0, 0])?.status == 0)
  }

  @Test("A transfer that was taken back is never answered, one that was answered is said to be")
  func unlinking() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    let reading = host.submit(0x81, length: 4096)
    #expect(host.unlink(reading) == -104)
    let writing = host.submit(0x01, data: Array("ATE0\r".utf8))
    #expect(host.unlink(writing) == 0)
    host.pass(.milliseconds(100))
    #expect(host.answer(reading) == nil)
    #expect(host.read(0x81, 4096)?.data.isEmpty == false)
  }

  @Test("An answer longer than the host's transfer goes on in the next one")
  func pieces() throws {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    host.submit(0x01, data: Array("ATI\r".utf8))
    host.pass(.milliseconds(100))
    var text: [UInt8] = []
    while let answer = host.read(0x81, 7) {
      #expect(answer.data.count <= 7)
      text += answer.data
    }
    #expect(String(decoding: text, as: UTF8.self).contains("E3131"))
  }

  @Test("A port that is opened forgets what was said while nobody listened")
  func opening() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    host.submit(0x01, data: Array("ATI\r".utf8))
    host.pass(.milliseconds(100))
    #expect(host.control([0x21, 0x22, 3, 0, 0, 0, 0, 0])?.status == 0)
    host.pass(.milliseconds(1))
    #expect(host.read(0x81, 4096) == nil)
  }

  @Test("A boot ROM greets a host that was not there when it started, and again who opens its port")
  func sahara() throws {
    var body = QualcommLTEBody(version: "V1")
    body.storage.damage("modem")
    let host = TestHost([USBStick(body, disc: .never)])
    host.pass(.seconds(2))
    #expect(host.attach() == 0)
    #expect(host.control([0, 9, 1, 0, 0, 0, 0, 0])?.status == 0)
    host.pass(.milliseconds(10))
    let first = try #require(host.read(0x81, 512)).data
    #expect(first.count == 0x30 && first.first == 1)
    #expect(host.read(0x81, 512) == nil)
    #expect(host.control([0x21, 0x22, 1, 0, 0, 0, 0, 0])?.status == 0)
    host.pass(.milliseconds(10))
    #expect(try #require(host.read(0x81, 512)).data == first)
    // Once it was answered it asks for its image instead.
    var answer: [UInt8] = []
    for word: UInt32 in [2, 0x30, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0] { answer.append(little: word) }
    host.submit(0x01, data: answer)
    host.pass(.milliseconds(10))
    #expect(try #require(host.read(0x81, 512)).data.first == 3)
    #expect(host.control([0x21, 0x22, 1, 0, 0, 0, 0, 0])?.status == 0)
    host.pass(.milliseconds(10))
    #expect(host.read(0x81, 512) == nil)
  }

  @Test("A stick that restarts ends the connection and comes back under its name")
  func restart() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    #expect(host.id == USBID(0x12d1, 0x1506))
    host.submit(0x01, data: Array("AT^GODLOAD\r".utf8))
    host.pass(.seconds(1))
    #expect(host.session.isOver)
    #expect(host.attach() == 4)
    host.pass(.seconds(20))
    #expect(host.attach() == 0)
    #expect(host.id == USBID(0x12d1, 0x1c05))
    #expect(host.shelf.slots[0].stick.usbFace?.interfaces.map(\.protocol) == [0x18, 0x50, 0x12])
  }

  @Test("A host that goes takes the power with it, so that no download mode survives")
  func power() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    host.submit(0x01, data: Array("AT^GODLOAD\r".utf8))
    host.session.hangUp(&host.shelf, at: host.now)
    host.pass(.seconds(30))
    #expect(host.id == USBID(0x12d1, 0x1506))
    #expect(host.attach() == 0)
  }

  @Test("A stick that is lost never comes back")
  func lost() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    host.shelf.change(0) { slot in
      guard var stick = slot.stick as? any USBStickBody & USBLosable else { return }
      stick.vanishes = true
      slot.stick = stick
    }
    host.submit(0x01, data: Array("AT^RESET\r".utf8))
    host.pass(.seconds(60))
    #expect(host.id == nil)
    #expect(host.attach() == 4)
  }

  @Test("Isochronous transfers are refused and the stream stays in step")
  func isochronous() {
    let host = TestHost.huawei(.never)
    #expect(host.attach() == 0)
    let refused = host.submit(0x01, data: [1, 2, 3], packets: 2)
    #expect(host.answer(refused)?.status == -22)
    #expect(host.control([0x80, 6, 0, 1, 0, 0, 18, 0])?.data.count == 18)
  }

  @Test("Lengths that nobody means end the connection without a byte of memory spent")
  func lengths() {
    for (place, value): (Int, UInt32) in [
      (24, 0x7fff_ffff), (24, 0xffff_fffe), (32, 70_000), (16, 16), (0, 7),
    ] {
      let host = TestHost.huawei(.never)
      #expect(host.attach() == 0)
      var bytes: [UInt8] = []
      for word: UInt32 in [1, 1, 0x10002, 0, 1, 0, 0, 0, 0, 0, 0, 0] { bytes.append(big: word) }
      var big: [UInt8] = []
      big.append(big: value)
      bytes.replaceSubrange(place..<place + 4, with: big)
      #expect(host.exchange(bytes).isEmpty)
      #expect(host.session.isOver)
    }
  }

  @Test("Whatever comes, nothing traps", arguments: 0..<200 as Range<UInt64>)
  func noise(seed: UInt64) {
    var state = seed
    func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
      return value ^ value >> 31
    }
    let host = TestHost.huawei(seed.isMultiple(of: 2) ? .once : .never)
    if seed % 5 > 0 { #expect(host.attach() == 0, "seed \(seed)") }
    for _ in 0..<60 {
      var bytes = (0..<Int(next() % 120)).map { _ in UInt8(truncatingIfNeeded: next()) }
      if next() % 3 > 0 {
        // Nearly a message: the small numbers that lead deeper.
        var header: [UInt8] = []
        for word in [1 + next() % 2, next() % 9, 0, next() % 2, next() % 4, 0] + [
          next() % 70, 0, 0, 0,
        ] {
          header.append(big: UInt32(truncatingIfNeeded: word))
        }
        header += (0..<8).map { _ in UInt8(truncatingIfNeeded: next() % 12) }
        bytes = header + bytes
      }
      host.session.receive(bytes, &host.shelf, at: host.now)
      host.now += .milliseconds(Int64(next() % 500))
      _ = host.shelf.change(0) { $0.stick.advance(to: host.now) }
      host.session.follow(host.shelf, at: host.now)
    }
    #expect(host.shelf.slots.count == 1)
  }
}

@Suite("A HiLink stick as a network card") struct CardTests {
  static let mine: [UInt8] = [2, 0, 0, 0, 0, 1]
  static let stick: [UInt8] = [0x0c, 0x5b, 0x8f, 0x27, 0x9a, 0x64]

  func card() -> TestHost {
    let host = TestHost([USBStick(HiLinkCard(HuaweiHiLinkStick(.e303)), disc: .never)])
    host.pass(.seconds(13))
    #expect(host.attach() == 0)
    #expect(host.control([0, 9, 1, 0, 0, 0, 0, 0])?.status == 0)
    #expect(host.control([1, 11, 1, 0, 1, 0, 0, 0])?.status == 0)
    #expect(host.control([0x21, 0x43, 0x0e, 0, 0, 0, 0, 0])?.status == 0)
    return host
  }

  func internet(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] {
    var bytes = Self.stick + Self.mine + [8, 0, 0x45, 0]
    bytes.append(big: UInt16(20 + body.count))
    return bytes + [0, 0, 0, 0, 64, kind, 0, 0, 192, 168, 8, 100, 192, 168, 8, 1] + body
  }

  @Test("It says where it is, and answers an echo request with the same bytes")
  func echo() throws {
    let host = card()
    let question =
      [UInt8](repeating: 0xff, count: 6) + Self.mine + [8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + Self.mine
      + [192, 168, 8, 100, 0, 0, 0, 0, 0, 0, 192, 168, 8, 1]
    host.submit(0x02, data: question)
    let answer = try #require(host.read(0x82, 2048)).data
    #expect(Array(answer[..<12]) == Self.mine + Self.stick)
    #expect(Array(answer[20..<32]) == [0, 2] + Self.stick + [192, 168, 8, 1])
    host.submit(0x02, data: internet(1, [8, 0, 0, 0, 1, 2, 3, 4, 5, 6]))
    let echo = try #require(host.read(0x82, 2048)).data
    #expect(Array(echo[38..<44]) == [1, 2, 3, 4, 5, 6])
    // The sum over a packet with its checksum is all ones.
    var sum = 0
    for index in stride(from: 34, to: 44, by: 2) {
      sum += Int(echo[index]) << 8 | Int(echo[index + 1])
    }
    #expect(sum & 0xffff + sum >> 16 == 0xffff)
  }

  @Test("Its page answers one request a connection and hangs up")
  func page() throws {
    let host = card()
    func tcp(_ sequence: UInt32, _ acknowledged: UInt32, _ flags: UInt8, _ data: [UInt8] = [])
      -> [UInt8]
    {
      var bytes: [UInt8] = [0xc0, 0, 0, 80]
      bytes.append(big: sequence)
      bytes.append(big: acknowledged)
      return internet(6, bytes + [0x50, flags, 0xff, 0xff, 0, 0, 0, 0] + data)
    }
    host.submit(0x02, data: tcp(7, 0, 2))
    let welcome = try #require(host.read(0x82, 2048)).data
    #expect(welcome[47] == 0x12)
    #expect(Array(welcome[42..<46]) == [0, 0, 0, 8])
    let text = "GET /api/device/basic_information HTTP/1.1\r\nHost: 192.168.8.1\r\n\r\n"
    host.submit(0x02, data: tcp(8, 1001, 0x18, Array(text.utf8)))
    let answer = try #require(host.read(0x82, 2048)).data
    let said = String(decoding: answer[54...], as: UTF8.self)
    #expect(said.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(said.contains("<devicename>E303</devicename>"))
    #expect(try #require(host.read(0x82, 2048)).data[47] == 0x11)
  }

  @Test("A switch on its page brings serial ports beside the card") func ports() throws {
    let host = card()
    func tcp(_ sequence: UInt32, _ acknowledged: UInt32, _ flags: UInt8, _ data: [UInt8] = []) {
      var bytes: [UInt8] = [0xc0, 1, 0, 80]
      bytes.append(big: sequence)
      bytes.append(big: acknowledged)
      host.submit(0x02, data: internet(6, bytes + [0x50, flags, 0xff, 0xff, 0, 0, 0, 0] + data))
    }
    let body = "<?xml version=\"1.0\"?><request><mode>1</mode></request>"
    tcp(7, 0, 2)
    let text = "POST /api/device/mode HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    tcp(8, 1001, 0x18, Array(text.utf8))
    host.pass(.seconds(14))
    #expect(host.id == USBID(0x12d1, 0x1441))
    let shown = host.shelf.slots[0].stick.usbFace?.interfaces.map(\.class)
    #expect(shown == [2, 0x0a, 0xff, 0xff, 0xff])
    #expect(host.attach() == 0)
    host.submit(0x01, data: Array("AT+CGMM\r".utf8))
    host.pass(.milliseconds(20))
    let said = String(decoding: try #require(host.read(0x83, 512)).data, as: UTF8.self)
    #expect(said.contains("E303"))
  }

  @Test("Frames of any bytes trap nothing", arguments: 0..<100 as Range<UInt64>)
  func noise(seed: UInt64) {
    var state = seed &* 0x9e37_79b9_7f4a_7c15
    func next() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    let host = card()
    for _ in 0..<50 {
      let body = (0..<Int(next() % 60)).map { _ in next() }
      host.submit(0x02, data: next() % 2 == 0 ? internet(next() % 8, body) : body)
    }
    #expect(!host.session.isOver, "seed \(seed)")
  }
}
