import Glibc
import SmithBytes
import Synchronization

/// What the kernel says about a device at the moment when it happens.
public struct UsbEvent: Hashable, Sendable {
  /// `add`, `remove`, `bind`, `unbind`, `change`, `move`.
  public var action: String
  /// Path below sysfs.
  public var path: String
  /// Subsystem, as in `usb` or `tty`.
  public var subsystem: String

  /// Reads one message of the kernel: `add@/devices/...` and fields, each closed by a zero byte.
  ///
  /// - Returns: nil for anything else, udev's own messages among them.
  public init?(_ message: [UInt8]) {
    let parts = message.split(separator: 0)
    guard let head = parts.first, let at = head.firstIndex(of: UInt8(ascii: "@")) else {
      return nil
    }
    action = String(decoding: head[..<at], as: UTF8.self)
    path = String(decoding: head[(at + 1)...], as: UTF8.self)
    guard path.hasPrefix("/"), !action.isEmpty, action.allSatisfy({ $0.isASCII && $0.isLetter })
    else { return nil }
    let key = [UInt8]("SUBSYSTEM=".utf8)
    subsystem =
      parts.dropFirst().first { $0.starts(with: key) }
      .map { String(decoding: $0.dropFirst(key.count), as: UTF8.self) } ?? ""
  }

  /// Stands for events that came faster than they were read: everything has to be looked at.
  public static let lost = UsbEvent(action: "lost", path: "/", subsystem: "usb")

  private init(action: String, path: String, subsystem: String) {
    self.action = action
    self.path = path
    self.subsystem = subsystem
  }

  /// Whether a whole device, not a part of one, has left.
  var isDeparture: Bool {
    action == "remove" && subsystem == "usb"
      && SysfsUSB.lastName(path).map(SysfsUSB.isPlace) == true
  }

  /// The place of the stick that this is about; nil if it is not on USB.
  public var place: String? {
    path.split(separator: "/").map(String.init).last { SysfsUSB.isPlace($0) }
  }

  /// Whether it can change what `list` shows.
  public var matters: Bool {
    ["usb", "tty", "net", "usbmisc", "block", "usb-serial"].contains(subsystem) && place != nil
  }
}

/// Listens to the kernel's own announcements: no daemon is asked, nothing is polled.
public final class UsbWatch: Sendable {
  private let descriptor: Int32
  private let bell: WakePipe

  /// Begins to listen; nil if the system does not let us (some containers).
  public convenience init?() {
    let kernelObjects: Int32 = 15  // NETLINK_KOBJECT_UEVENT
    let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_NETLINK, type, kernelObjects)
    guard descriptor >= 0 else { return nil }
    // Group 1 is the kernel; group 2 would be udev, which is later.
    var address: [UInt8] = []
    address.append(little: UInt16(AF_NETLINK))
    address += [0, 0]
    address.append(little: UInt32(0))
    address.append(little: UInt32(1))
    let bound = unsafe address.withUnsafeBytes { buffer in
      unsafe buffer.baseAddress.map { base in
        unsafe bind(
          descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(buffer.count))
      } ?? -1
    }
    guard bound == 0 else {
      close(descriptor)
      return nil
    }
    self.init(descriptor: descriptor)
  }

  /// Listens on a descriptor that gives one message a read; takes it over.
  public init?(descriptor: Int32) {
    guard let bell = WakePipe() else {
      close(descriptor)
      return nil
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    self.descriptor = descriptor
    self.bell = bell
  }

  deinit { close(descriptor) }

  /// The next events that matter, waiting for the first at most `limit`; empty when the time is
  /// over. Blocks its thread.
  public func next(within limit: Duration) -> [UsbEvent] {
    let deadline = Deadline(after: limit)
    while true {
      let events = take()
      if !events.isEmpty { return events }
      let left = deadline.pollMilliseconds
      if left == 0 { return [] }
      var watched = (
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0)
      )
      _ = unsafe withUnsafeMutablePointer(to: &watched) { pair in
        unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) { unsafe poll($0, 2, left) }
      }
      if watched.1.revents != 0 { return [] }
      // A closed far end would make this loop spin.
      if watched.0.revents & Int16(POLLIN) == 0, watched.0.revents != 0 { return [] }
    }
  }

  /// Makes a waiting `next` return.
  public func stop() { bell.wake() }

  private func take() -> [UsbEvent] {
    var events: [UsbEvent] = []
    while events.count < 4096 {
      var failure: Int32 = 0
      let message = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
        count = unsafe max(0, read(descriptor, buffer.baseAddress, buffer.count))
        failure = count > 0 ? 0 : errno
      }
      if message.isEmpty {
        // The kernel dropped some because nobody read them in time.
        if failure == ENOBUFS { events.append(.lost) }
        return events
      }
      if let event = UsbEvent(message), event.matters { events.append(event) }
    }
    return events
  }
}
