import Glibc
import SmithLink

/// An address to listen at, as in `127.0.0.1:3240` or `[::1]:3240`.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  /// Numeric address.
  public let host: String
  /// Port; 0 lets the system choose.
  public let port: UInt16

  /// The default of USB/IP: loopback, port 3240.
  public static let usbip = SocketAddress(host: "127.0.0.1", port: 3240)

  /// Joins both.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `ADDR:PORT`, `ADDR` or `:PORT`; nil for anything else. Names are not looked up.
  public init?(_ text: String) {
    var host = Substring(text)
    var port: UInt16 = Self.usbip.port
    let isBare = text.filter { $0 == ":" }.count > 1 && !text.hasPrefix("[")
    if !isBare, let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
      guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
      port = number
      host = text[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    self.init(host: host.isEmpty ? Self.usbip.host : String(host), port: port)
    guard isNumeric else { return nil }
  }

  /// Whether only this machine can reach it.
  public var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

  /// `ADDR:PORT`.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  private var isNumeric: Bool {
    var four = in_addr()
    var six = in6_addr()
    return unsafe inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
  }
}

/// Plain calls on TCP sockets, none of which blocks but ``connect(_:)``.
enum TCPSocket {
  /// A listening socket and the port that it got.
  static func listen(_ address: SocketAddress) throws(LinkError) -> (socket: Int32, port: UInt16) {
    let socket = try make(address)
    var yes: Int32 = 1
    _ = unsafe setsockopt(
      socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let bound = unsafe withAddress(address) { unsafe bind(socket, $0, $1) }
    guard bound == 0, Glibc.listen(socket, 16) == 0 else {
      let reason = FileNames.words(errno)
      close(socket)
      throw .broken("\(address) cannot be listened at: \(reason)")
    }
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    return (socket, port(of: socket) ?? address.port)
  }

  /// A connection to that address; blocks until it is made.
  static func connect(_ address: SocketAddress) throws(LinkError) -> Int32 {
    let socket = try make(address)
    guard unsafe withAddress(address, { unsafe Glibc.connect(socket, $0, $1) }) == 0 else {
      let reason = FileNames.words(errno)
      close(socket)
      throw .broken("\(address) cannot be reached: \(reason)")
    }
    noDelay(socket)
    return socket
  }

  /// The next connection that waits; nil if none does.
  static func accept(_ listener: Int32) -> Int32? {
    let socket = Glibc.accept(listener, nil, nil)
    guard socket >= 0 else { return nil }
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    noDelay(socket)
    return socket
  }

  /// Reads what is there: nil at the end of the connection, empty if nothing is there.
  static func read(_ socket: Int32, into scratch: inout [UInt8]) -> ArraySlice<UInt8>? {
    let count = unsafe recv(socket, &scratch, scratch.count, Int32(MSG_DONTWAIT))
    if count > 0 { return scratch[..<count] }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? [] : nil
  }

  /// Writes as much as goes; nil if the connection is broken.
  static func write(_ socket: Int32, _ bytes: ArraySlice<UInt8>) -> Int? {
    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    let count = unsafe bytes.withUnsafeBytes {
      unsafe send(socket, $0.baseAddress, $0.count, flags)
    }
    if count >= 0 { return count }
    return [EAGAIN, EINTR].contains(errno) ? 0 : nil
  }

  private static func make(_ address: SocketAddress) throws(LinkError) -> Int32 {
    let family = address.host.contains(":") ? AF_INET6 : AF_INET
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let made = socket(family, kind, 0)
    guard made >= 0 else { throw .broken(FileNames.words(errno)) }
    return made
  }

  /// Small messages go back and forth: none may wait for a fuller packet.
  private static func noDelay(_ socket: Int32) {
    var yes: Int32 = 1
    _ = unsafe setsockopt(
      socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func withAddress(
    _ address: SocketAddress, _ work: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    if address.host.contains(":") {
      var six = sockaddr_in6()
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = address.port.bigEndian
      _ = unsafe inet_pton(AF_INET6, address.host, &six.sin6_addr)
      return unsafe withUnsafePointer(to: &six) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe work($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var four = sockaddr_in()
    four.sin_family = sa_family_t(AF_INET)
    four.sin_port = address.port.bigEndian
    _ = unsafe inet_pton(AF_INET, address.host, &four.sin_addr)
    return unsafe withUnsafePointer(to: &four) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe work($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func port(of socket: Int32) -> UInt16? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let named = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(socket, $0, &size)
      }
    }
    guard named == 0 else { return nil }
    // The port stands at the same place in both families.
    return unsafe withUnsafePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe UInt16(bigEndian: $0.pointee.sin_port)
      }
    }
  }
}
