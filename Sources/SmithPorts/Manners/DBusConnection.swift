import CSystemd
import Glibc
import Synchronization

/// A value in a message of the D-Bus; only what our few calls need keeps its type.
enum DBusValue: Equatable, Sendable {
  case text(String)
  case bool(Bool)
  case number(Int)
  /// A descriptor of our own, closed by whoever takes it.
  case descriptor(Int32)
  /// Arrays, structures, dictionary entries.
  case list([DBusValue])

  var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  var number: Int? {
    if case .number(let number) = self { number } else { nil }
  }

  /// The members of a container; empty for anything else.
  var members: [DBusValue] {
    if case .list(let members) = self { members } else { [] }
  }

  /// The value of a key in a dictionary of texts.
  subscript(key: String) -> DBusValue? {
    for entry in members {
      let pair = entry.members
      if pair.count == 2, pair[0].text == key { return pair[1] }
    }
    return nil
  }
}

/// Why a call over the D-Bus failed.
struct DBusError: Error, Equatable {
  /// Name of the error, as in `org.freedesktop.DBus.Error.ServiceUnknown`; empty for our own.
  var name: String
  /// What the other side says.
  var message: String
}

/// One connection to a message bus. When it ends, in whatever way, the bus tells everybody who
/// did something for us, so that nothing stays held after a crash.
@safe final class DBusConnection: @unchecked Sendable {
  private let bus: OpaquePointer
  /// sd-bus objects belong to one thread at a time.
  private let gate = Mutex(())

  /// Connects to the system bus, or to the one at an address.
  init(address: String? = nil) throws(DBusError) {
    var bus: OpaquePointer?
    var result: Int32
    if let address {
      result = unsafe sd_bus_new(&bus)
      if result >= 0 { result = unsafe sd_bus_set_address(bus, address) }
      if result >= 0 { result = unsafe sd_bus_set_bus_client(bus, 1) }
      if result >= 0 { result = unsafe sd_bus_start(bus) }
    } else {
      result = unsafe sd_bus_open_system(&bus)
    }
    guard result >= 0, let bus = unsafe bus else {
      _ = unsafe sd_bus_unref(bus)
      throw DBusError(name: "", message: FileNames.words(-result))
    }
    unsafe self.bus = bus
  }

  deinit { _ = unsafe sd_bus_flush_close_unref(bus) }

  /// Calls a method and returns what it answers.
  ///
  /// - Parameter limit: how long to wait for the answer.
  func call(
    _ destination: String, _ path: String, _ interface: String, _ member: String,
    _ arguments: [DBusValue] = [], within limit: Duration = .seconds(10)
  ) throws(DBusError) -> [DBusValue] {
    try gate.withLock { _ throws(DBusError) -> [DBusValue] in
      var request: OpaquePointer?
      try unsafe check(
        sd_bus_message_new_method_call(bus, &request, destination, path, interface, member))
      defer { _ = unsafe sd_bus_message_unref(request) }
      for argument in arguments { try unsafe append(argument, to: request) }
      var failure = unsafe sd_bus_error()
      defer { unsafe sd_bus_error_free(&failure) }
      var reply: OpaquePointer?
      defer { _ = unsafe sd_bus_message_unref(reply) }
      let result = unsafe sd_bus_call(
        bus, request, UInt64(max(1, limit.components.seconds)) * 1_000_000, &failure, &reply)
      guard result >= 0 else {
        throw unsafe DBusError(
          name: Self.text(failure.name) ?? "",
          message: Self.text(failure.message) ?? FileNames.words(-result))
      }
      var values: [DBusValue] = []
      while let value = unsafe Self.read(reply, depth: 0) { values.append(value) }
      return values
    }
  }

  /// The connection that owns a name; nil if nobody does. Starts nobody.
  func owner(of name: String) -> String? {
    let bus = "org.freedesktop.DBus"
    guard
      let answer = try? call(
        bus, "/org/freedesktop/DBus", bus, "GetNameOwner", [.text(name)], within: .seconds(5))
    else { return nil }
    return answer.first?.text
  }

  /// A property of an object; nil if it has none of that name.
  func property(_ destination: String, _ path: String, _ interface: String, _ name: String)
    -> DBusValue?
  {
    let answer = try? call(
      destination, path, "org.freedesktop.DBus.Properties", "Get",
      [.text(interface), .text(name)])
    return answer?.first
  }

  private func check(_ result: Int32) throws(DBusError) {
    if result < 0 { throw DBusError(name: "", message: FileNames.words(-result)) }
  }

  private func append(_ value: DBusValue, to message: OpaquePointer?) throws(DBusError) {
    switch value {
    case .text(let text):
      try check(
        unsafe text.withCString {
          unsafe sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), $0)
        })
    case .bool(let bool):
      var word: Int32 = bool ? 1 : 0
      try check(unsafe sd_bus_message_append_basic(message, CChar(UInt8(ascii: "b")), &word))
    default: throw DBusError(name: "", message: "an argument of a kind that is never sent")
    }
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
  }

  /// Reads the next value; nil at the end, or of what is nested deeper than anything honest.
  private static func read(_ message: OpaquePointer?, depth: Int) -> DBusValue? {
    var kind: CChar = 0
    var contents: UnsafePointer<CChar>?
    guard depth < 16, unsafe sd_bus_message_peek_type(message, &kind, &contents) > 0 else {
      return nil
    }
    switch UInt8(bitPattern: kind) {
    case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "g"):
      var pointer: UnsafePointer<CChar>?
      guard unsafe sd_bus_message_read_basic(message, kind, &pointer) > 0 else { return nil }
      return unsafe text(pointer).map { .text($0) }
    case UInt8(ascii: "b"):
      var word: Int32 = 0
      guard unsafe sd_bus_message_read_basic(message, kind, &word) > 0 else { return nil }
      return .bool(word != 0)
    case UInt8(ascii: "h"):
      var descriptor: Int32 = -1
      guard unsafe sd_bus_message_read_basic(message, kind, &descriptor) > 0 else { return nil }
      // The message closes its own when it goes.
      return .descriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 3))
    case UInt8(ascii: "a"), UInt8(ascii: "r"), UInt8(ascii: "e"), UInt8(ascii: "v"):
      guard unsafe sd_bus_message_enter_container(message, kind, contents) > 0 else { return nil }
      var members: [DBusValue] = []
      while members.count < 65_536, let value = unsafe read(message, depth: depth + 1) {
        members.append(value)
      }
      _ = unsafe sd_bus_message_exit_container(message)
      return kind == CChar(UInt8(ascii: "v")) ? members.first ?? .list([]) : .list(members)
    default:
      var word: UInt64 = 0
      guard unsafe sd_bus_message_read_basic(message, kind, &word) > 0 else { return nil }
      return .number(Int(truncatingIfNeeded: word))
    }
  }
}
