import Foundation
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

/// A stick with one serial interface that swallows everything.
private struct Swallower: USBDescribed {
  var face: StickFace? = StickFace(generation: 1, id: USBID(0x12d1, 0x1001), ports: [.at])
  var nextDue: Duration? { nil }
  var usbDescription: USBDescription? {
    var device = USBDescription(USBID(0x12d1, 0x1001), manufacturer: "A", product: "B")
    device.addBulkPair(USBFace.Kind(0xff, 0xff, 0xff), use: .serial(0))
    return device
  }
  var usbDisc: USBDiscFace? { nil }
  mutating func advance(to now: Duration) -> [Emission] { [] }
  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] { [] }
  mutating func plug(at now: Duration) {}
  mutating func unplug(at now: Duration) {}
}

/// Writes over USB/IP on loopback as the kernel does: transfers of 4096 bytes, four on the way.
enum USBIPCable {
  static func run(mebibytes: Int) async throws -> Double {
    let server = try USBIPServer(
      [USBStick(Swallower())], at: SocketAddress(host: "127.0.0.1", port: 0))
    async let running: Void = server.run()
    let port = server.address.port
    let seconds: Double = await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: host(port, mebibytes << 20)) }
    }
    server.stop()
    await running
    return Double(mebibytes << 20) / 1e6 / seconds
  }

  private static func host(_ port: UInt16, _ bytes: Int) -> Double {
    let wire = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(wire) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(wire, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return .infinity }
    var yes: Int32 = 1
    setsockopt(wire, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
    var hello: [UInt8] = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0]
    hello.append(text: "1-1", width: 32)
    var answer = [UInt8](repeating: 0, count: 320)
    send(wire, hello, hello.count, 0)
    guard recv(wire, &answer, 320, Int32(MSG_WAITALL)) == 320 else { return .infinity }
    let content = noise(4096)
    let count = bytes / 4096
    let start = ContinuousClock.now
    for number in 0..<(count + 4) {
      if number < count {
        var message: [UInt8] = []
        for word: UInt32 in [1, UInt32(number + 1), 0x10002, 0, 1, 0, 4096, 0, 0, 0, 0, 0] {
          message.append(big: word)
        }
        message += content
        guard send(wire, message, message.count, 0) == message.count else { return .infinity }
      }
      if number >= 4, recv(wire, &answer, 48, Int32(MSG_WAITALL)) != 48 {
        return .infinity
      }
    }
    return (ContinuousClock.now - start).seconds
  }
}
