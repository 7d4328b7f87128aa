import Glibc
import SmithLink

/// A TCP port of this computer that can stop listening and begin again; lives on one thread.
///
/// A bound socket that never listens keeps the number while the page is away, so that a visitor is
/// refused as he is by a stick that restarts. Sendable by hand: the server's thread alone uses it
/// after it was made.
final class ListeningDesk: @unchecked Sendable {
  /// The number.
  let port: Int
  /// The socket to poll; -1 while nothing listens.
  private(set) var socket: Int32 = -1
  private let keeper: Int32
  private let host: in_addr

  /// Takes the number.
  ///
  /// - Throws: `.broken` if it cannot be had or others could connect.
  init(host: String, port: Int) throws(LinkError) {
    var address = in_addr()
    guard unsafe inet_pton(AF_INET, host, &address) == 1,
      UInt32(bigEndian: address.s_addr) >> 24 == 127
    else { throw .broken("\(host) is no address of this computer alone, as 127.0.0.1 is") }
    guard (0...65_535).contains(port) else { throw .broken("\(port) is no TCP port") }
    self.host = address
    let first = try Self.bound(address, UInt16(port))
    var name = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let got = unsafe withUnsafeMutableBytes(of: &name) { bytes in
      unsafe getsockname(
        first, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
    }
    let number = UInt16(bigEndian: name.sin_port)
    guard got == 0, number != 0 else {
      Glibc.close(first)
      throw .broken(FileNames.words(errno))
    }
    self.port = Int(number)
    keeper = first
  }

  deinit {
    close()
    Glibc.close(keeper)
  }

  /// Begins to listen; false if the system does not let us.
  func open() -> Bool {
    close()
    guard let fresh = try? Self.bound(host, UInt16(port)) else { return false }
    guard Glibc.listen(fresh, 16) == 0 else {
      Glibc.close(fresh)
      return false
    }
    socket = fresh
    return true
  }

  /// Stops listening; who has not been let in yet is reset by the system.
  func close() {
    guard socket >= 0 else { return }
    Glibc.close(socket)
    socket = -1
  }

  /// The next visitor; nil if nobody waits.
  func accept() -> Int32? {
    guard socket >= 0 else { return nil }
    let visitor = Glibc.accept(socket, nil, nil)
    guard visitor >= 0 else { return nil }
    _ = fcntl(visitor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(visitor, F_SETFL, O_NONBLOCK)
    return visitor
  }

  private static func bound(_ host: in_addr, _ port: UInt16)
    throws(LinkError) -> Int32
  {
    let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let fresh = Glibc.socket(AF_INET, Int32(kind), 0)
    guard fresh >= 0 else { throw .broken(FileNames.words(errno)) }
    var one: Int32 = 1
    _ = unsafe setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr = host
    let result = unsafe withUnsafeBytes(of: &name) { bytes in
      unsafe bind(
        fresh, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    guard result == 0 else {
      let reason = FileNames.words(errno)
      Glibc.close(fresh)
      throw .broken("the address cannot be had: \(reason)")
    }
    return fresh
  }
}
