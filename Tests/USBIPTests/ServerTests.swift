import Glibc
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import Testing

@Suite("The USB/IP server on its socket") struct ServerTests {
  @Test("Addresses are numbers, loopback is what nobody named")
  func addresses() {
    #expect(SocketAddress("127.0.0.1:3240") == .usbip)
    #expect(SocketAddress(":3240") == .usbip)
    #expect(SocketAddress("[::1]:77")?.description == "[::1]:77")
    #expect(SocketAddress("::1")?.isLoopback == true)
    #expect(SocketAddress("0.0.0.0:1")?.isLoopback == false)
    for text in ["host:1", "127.0.0.1:99999", "1.2.3:4", "[::1:5", "127.0.0.1:", "a"] {
      #expect(SocketAddress(text) == nil, "\(text)")
    }
  }

  @Test("A host attaches over TCP, speaks AT, and loses the stick when it restarts")
  func wire() async throws {
    var options = HuaweiBalongStick.Options()
    options.singlePort = false
    let (events, sink) = AsyncStream.makeStream(of: USBIPEvent.self)
    let server = try USBIPServer(
      [USBStick(HuaweiBalongStick(personality: .e3131, options: options), disc: .never)],
      at: SocketAddress(host: "127.0.0.1", port: 0), speed: 10_000,
      report: { event in sink.yield(event) })
    #expect(server.address.port != 0)
    async let running: Void = server.run()
    var iterator = events.makeAsyncIterator()
    #expect(
      await iterator.next(isolation: nil) == .appeared(busid: "1-1", id: USBID(0x12d1, 0x1506)))
    let socket = try #require(Wire(port: server.address.port))
    var request: [UInt8] = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0]
    request.append(text: "1-1", width: 32)
    #expect(socket.send(request))
    #expect(socket.take(320)?[7] == 0)
    #expect(await iterator.next(isolation: nil) == .taken(busid: "1-1", true))
    // A byte at a time: no boundary of a read is the boundary of a message.
    var bytes: [UInt8] = []
    for word: UInt32 in [1, 1, 0x10002, 1, 1, 0, 512, 0, 0, 0, 0, 0] { bytes.append(big: word) }
    for word: UInt32 in [1, 2, 0x10002, 0, 1, 0, 11, 0, 0, 0, 0, 0] { bytes.append(big: word) }
    bytes += Array("AT^GODLOAD\r".utf8)
    for byte in bytes { #expect(socket.send([byte])) }
    let written = try #require(socket.take(48))
    #expect(Array(written[..<8]) == [0, 0, 0, 3, 0, 0, 0, 2])
    let read = try #require(socket.take(48))
    #expect(Array(read[..<8]) == [0, 0, 0, 3, 0, 0, 0, 1])
    // The rest, up to the end of the connection.
    while socket.take(1) != nil {}
    var back = false
    while let event = await iterator.next(isolation: nil) {
      back = event == .appeared(busid: "1-1", id: USBID(0x12d1, 0x1c05))
      if back { break }
    }
    #expect(back)
    server.stop()
    await running
  }

  @Test("An unplugged stick closes the connection of its host")
  func unplug() async throws {
    let server = try USBIPServer(
      [USBStick(HuaweiBalongStick(personality: .e3131))],
      at: SocketAddress(host: "127.0.0.1", port: 0))
    async let running: Void = server.run()
    let socket = try #require(Wire(port: server.address.port))
    var request: [UInt8] = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0]
    request.append(text: "1-1", width: 32)
    #expect(socket.send(request))
    #expect(socket.take(320) != nil)
    server.plug(0, false)
    #expect(socket.take(1) == nil)
    server.stop()
    await running
  }

  @Test("A port that is taken is explained")
  func taken() throws {
    let first = try USBIPServer([], at: SocketAddress(host: "127.0.0.1", port: 0))
    do {
      _ = try USBIPServer([], at: first.address)
      Issue.record("two servers on one port")
    } catch {
      guard case .broken(let reason) = error else {
        Issue.record("not explained")
        return
      }
      #expect(reason.contains("\(first.address)"))
    }
  }
}

/// A blocking TCP connection to loopback.
final class Wire {
  private let descriptor: Int32

  init?(port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return nil }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) -> Bool {
    unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  func take(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = unsafe recv(descriptor, &bytes, count, Int32(MSG_WAITALL))
    return got == count ? bytes : nil
  }
}
