import Glibc
import SmithBytes
import SmithLink
import Synchronization

/// Keeps one stick of a USB/IP server plugged into one port of this machine's virtual host
/// controller, through every restart of the stick (Docs/Protocols/usbip.md section 5). Needs root
/// and the kernel module `vhci-hcd`.
public final class VirtualHostPort: Sendable {
  private static let controller = "/sys/devices/platform/vhci_hcd.0"
  private static let free = "004"
  /// POLLRDHUP, which the C library shows to GNU programs only.
  private static let hungUp: Int16 = 0x2000

  private let address: SocketAddress
  private let busid: String
  private let port: Int
  private let stopped = Mutex(false)
  private let pipe: WakePipe?

  /// Prepares to plug `busid` into `port`, which counts from 0.
  public init(_ busid: String, of address: SocketAddress, into port: Int) {
    self.address = address
    self.busid = busid
    self.port = port
    pipe = WakePipe()
  }

  /// Why this machine has no virtual host controller for us; nil if it has one.
  public static var absence: String? {
    let path = "\(controller)/attach"
    if unsafe access(path, F_OK) != 0 { return "the kernel module vhci-hcd is not loaded" }
    return unsafe access(path, W_OK) == 0 ? nil : "\(path) can be written by root alone"
  }

  /// Plugs in, waits for the end, plugs in again; until ``stop()``.
  public func run() async {
    await PortThread().run {
      while !self.stopped.withLock({ $0 }) {
        // An import that cannot be attached would cost the stick its power: look first.
        if self.portIsFree, let socket = self.attach() {
          self.wait(for: socket)
          close(socket)
        } else {
          self.wait(for: nil)
        }
      }
      _ = self.write("\(self.port)", to: "detach")
    }
  }

  /// Ends ``run()``.
  public func stop() {
    stopped.withLock { $0 = true }
    pipe?.wake()
  }

  /// Sleeps until the server closes the connection; without one, for a moment.
  private func wait(for socket: Int32?) {
    var polled = [pollfd(fd: pipe?.reading ?? -1, events: Int16(POLLIN), revents: 0)]
    if let socket { polled.append(pollfd(fd: socket, events: Self.hungUp, revents: 0)) }
    _ = unsafe poll(&polled, nfds_t(polled.count), socket == nil ? 50 : -1)
  }

  private var portIsFree: Bool {
    for line in read("status").split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      guard fields.count > 2, Int(fields[1]) == port else { continue }
      return fields[2] == Self.free
    }
    return false
  }

  /// Asks the server for the stick and hands the connection to the kernel.
  private func attach() -> Int32? {
    guard let socket = try? TCPSocket.connect(address) else { return nil }
    var request = USBIPWire.greeting(USBIPWire.requestImport, status: 0)
    request.append(text: busid, width: 32)
    guard unsafe send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count,
      let head = take(USBIPWire.greetingSize, socket), head[4...7].allSatisfy({ $0 == 0 }),
      let device = take(USBIPWire.deviceSize, socket)
    else {
      close(socket)
      return nil
    }
    func word(_ place: Int) -> UInt32 {
      device[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    let line = "\(port) \(socket) \(word(288) << 16 | word(292)) \(word(296))"
    guard write(line, to: "attach") else {
      close(socket)
      return nil
    }
    return socket
  }

  private func take(_ count: Int, _ socket: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = unsafe recv(socket, &bytes, count, Int32(MSG_WAITALL))
    return got == count ? bytes : nil
  }

  private func read(_ name: String) -> String {
    let file = unsafe open("\(Self.controller)/\(name)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe Glibc.read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private func write(_ text: String, to name: String) -> Bool {
    let file = unsafe open("\(Self.controller)/\(name)", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    let bytes = Array(text.utf8)
    return unsafe Glibc.write(file, bytes, bytes.count) == bytes.count
  }
}
