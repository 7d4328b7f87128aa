import CSystemd
import Foundation
import Glibc
import Synchronization
import Testing

/// A real message bus of a test's own, with small stand-ins for ModemManager, NetworkManager and
/// the login manager on it.
final class PrivateBus: Sendable {
  static let program = ["/usr/bin/dbus-daemon", "/bin/dbus-daemon"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  let address: String
  private let folder: String
  private let daemon: Int32
  let world = World()
  private let stop = Stop()
  private let finished = DispatchSemaphore(value: 0)

  private final class Stop: Sendable { let flag = Mutex(false) }

  /// What the stand-ins were told.
  final class World: Sendable {
    struct State {
      /// Stick and who asked for it to be left alone.
      var inhibited: [String: String] = [:]
      var calls: [String] = []
      /// Sticks that ModemManager knows.
      var known: Set<String> = []
      /// Far ends of the descriptors that the login manager gave out.
      var inhibitors: [Int32] = []
      var networkStates: [String: UInt32] = ["/nm/1": 100, "/nm/2": 30]
      var refuses = false
      /// How often ModemManager answers that it is still finding out what sticks are.
      var probing = 0
    }
    let state = Mutex(State())
    var calls: [String] { state.withLock { $0.calls } }
  }

  init(names: [String] = ["org.freedesktop.ModemManager1", "org.freedesktop.login1"]) throws {
    folder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("smith-dbus-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    address = "unix:path=\(folder)/bus"
    let config = """
      <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
       "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
      <busconfig><type>session</type><listen>\(address)</listen>
      <policy context="default"><allow own="*"/><allow send_destination="*"/>
      <allow eavesdrop="true"/><allow receive_sender="*"/></policy></busconfig>
      """
    try config.write(toFile: "\(folder)/bus.conf", atomically: true, encoding: .utf8)
    daemon = try Self.start("\(folder)/bus.conf")
    let (address, world) = (address, world)
    let ready = DispatchSemaphore(value: 0)
    let (stop, finished) = (stop, finished)
    let isStopped: @Sendable () -> Bool = { stop.flag.withLock { $0 } }
    Thread.detachNewThread {
      StandIns(address: address, names: names, world: world)?.serve(
        ready: { ready.signal() }, until: isStopped)
      finished.signal()
    }
    try #require(ready.wait(timeout: .now() + .seconds(60)) == .success)
  }

  deinit {
    stop.flag.withLock { $0 = true }
    _ = finished.wait(timeout: .now() + .seconds(60))
    kill(daemon, SIGKILL)
    var status: Int32 = 0
    _ = unsafe waitpid(daemon, &status, 0)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Starts the daemon and returns when its socket takes connections: it says its address then.
  private static func start(_ config: String) throws -> Int32 {
    let program = try #require(program)
    var ends: [Int32] = [-1, -1]
    try #require(unsafe pipe(&ends) == 0)
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawn_file_actions_addclose(&actions, ends[0])
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    let words = [
      program, "--config-file=\(config)", "--nofork", "--nopidfile", "--nosyslog",
      "--print-address=\(ends[1])",
    ]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var process: pid_t = 0
    let result = unsafe posix_spawn(&process, program, &actions, nil, arguments, environ)
    close(ends[1])
    defer { close(ends[0]) }
    try #require(result == 0)
    var byte: UInt8 = 0
    try #require(unsafe read(ends[0], &byte, 1) == 1)
    return process
  }
}

/// The services themselves: one thread, one connection, every call by hand.
@safe final class StandIns {
  private let bus: OpaquePointer
  private let world: PrivateBus.World

  init?(address: String, names: [String], world: PrivateBus.World) {
    var bus: OpaquePointer?
    guard unsafe sd_bus_new(&bus) >= 0, let bus = unsafe bus,
      unsafe sd_bus_set_address(bus, address) >= 0, unsafe sd_bus_set_bus_client(bus, 1) >= 0,
      unsafe sd_bus_start(bus) >= 0
    else { return nil }
    for name in names {
      guard unsafe sd_bus_request_name(bus, name, 0) >= 0 else { return nil }
    }
    unsafe self.bus = bus
    self.world = world
  }

  deinit { _ = unsafe sd_bus_flush_close_unref(bus) }

  func serve(ready: () -> Void, until isStopped: () -> Bool) {
    ready()
    while !isStopped() {
      var message: OpaquePointer?
      let result = unsafe sd_bus_process(bus, &message)
      if result < 0 { return }
      if let message = unsafe message {
        unsafe answer(message)
        _ = unsafe sd_bus_message_unref(message)
      } else if result == 0 {
        _ = unsafe sd_bus_wait(bus, 20_000)
      }
    }
  }

  private func text(_ message: OpaquePointer) -> String {
    var pointer: UnsafePointer<CChar>?
    guard unsafe sd_bus_message_read_basic(message, CChar(UInt8(ascii: "s")), &pointer) > 0,
      let pointer = unsafe pointer
    else { return "" }
    return unsafe String(cString: pointer)
  }

  private func answer(_ message: OpaquePointer) {
    guard
      let member = unsafe sd_bus_message_get_member(message).map({ unsafe String(cString: $0) }),
      let path = unsafe sd_bus_message_get_path(message).map({ unsafe String(cString: $0) }),
      let sender = unsafe sd_bus_message_get_sender(message).map({ unsafe String(cString: $0) })
    else { return }
    var reply: OpaquePointer?
    guard unsafe sd_bus_message_new_method_return(message, &reply) >= 0 else { return }
    defer { _ = unsafe sd_bus_message_unref(reply) }
    switch member {
    case "InhibitDevice":
      let uid = unsafe text(message)
      var on: Int32 = 0
      _ = unsafe sd_bus_message_read_basic(message, CChar(UInt8(ascii: "b")), &on)
      if let error = inhibit(uid, on != 0, sender) {
        unsafe fail(message, error)
        return
      }
    case "Inhibit":
      let words = (0..<4).map { _ in unsafe text(message) }
      var ends: [Int32] = [-1, -1]
      guard unsafe pipe(&ends) == 0 else { return }
      world.state.withLock {
        $0.calls.append("inhibit \(words[0]) \(words[1]) \(words[3])")
        $0.inhibitors.append(ends[0])
      }
      _ = unsafe sd_bus_message_append_basic(reply, CChar(UInt8(ascii: "h")), &ends[1])
      close(ends[1])
    case "GetDevices":
      _ = unsafe sd_bus_message_open_container(reply, CChar(UInt8(ascii: "a")), "o")
      for object in ["/nm/1", "/nm/2", "/nm/3"] {
        _ = unsafe object.withCString {
          unsafe sd_bus_message_append_basic(reply, CChar(UInt8(ascii: "o")), $0)
        }
      }
      _ = unsafe sd_bus_message_close_container(reply)
    case "Get":
      _ = unsafe text(message)
      guard unsafe property(path, text(message), reply) else {
        unsafe fail(message, "org.freedesktop.DBus.Error.UnknownProperty")
        return
      }
    case "Disconnect": world.state.withLock { $0.calls.append("disconnect \(path)") }
    default:
      unsafe fail(message, "org.freedesktop.DBus.Error.UnknownMethod")
      return
    }
    _ = unsafe sd_bus_send(bus, reply, nil)
  }

  private func fail(_ message: OpaquePointer, _ name: String) {
    unsafe name.withCString { name in
      unsafe "said no".withCString { words in
        var error = unsafe sd_bus_error(name: name, message: words, _need_free: 0)
        _ = unsafe sd_bus_reply_method_error(message, &error)
      }
    }
  }

  private func inhibit(_ uid: String, _ on: Bool, _ sender: String) -> String? {
    world.state.withLock { state in
      state.calls.append("\(on ? "hold" : "release") \(uid)")
      if state.refuses { return "org.freedesktop.ModemManager1.Error.Core.Unauthorized" }
      if on, state.probing > 0 {
        state.probing -= 1
        return "org.freedesktop.ModemManager1.Error.Core.WrongState"
      }
      guard state.known.contains(uid) else {
        return "org.freedesktop.ModemManager1.Error.Core.NotFound"
      }
      state.inhibited[uid] = on ? sender : nil
      return nil
    }
  }

  private func property(_ path: String, _ name: String, _ reply: OpaquePointer?) -> Bool {
    let texts: [String: String] = [
      "/nm/1 Interface": "wwan0", "/nm/2 Interface": "eth5", "/nm/3 Interface": "lo",
      "/nm/1 ActiveConnection": "/active/1", "/active/1 Id": "Home",
    ]
    let kind = name == "ActiveConnection" ? "o" : name == "State" ? "u" : "s"
    _ = unsafe sd_bus_message_open_container(reply, CChar(UInt8(ascii: "v")), kind)
    defer { _ = unsafe sd_bus_message_close_container(reply) }
    if name == "State" {
      var number = world.state.withLock { $0.networkStates[path] ?? 10 }
      return unsafe sd_bus_message_append_basic(reply, CChar(UInt8(ascii: "u")), &number) >= 0
    }
    guard let text = texts["\(path) \(name)"], let letter = kind.utf8.first else { return false }
    return unsafe text.withCString {
      unsafe sd_bus_message_append_basic(reply, CChar(letter), $0) >= 0
    }
  }
}

extension PrivateBus {
  /// Whether the connection that holds a stick still lives: the real ModemManager watches this.
  func holderLives(_ uid: String) -> Bool {
    guard let holder = world.state.withLock({ $0.inhibited[uid] }) else { return false }
    var bus: OpaquePointer?
    guard unsafe sd_bus_new(&bus) >= 0, unsafe sd_bus_set_address(bus, address) >= 0,
      unsafe sd_bus_set_bus_client(bus, 1) >= 0, unsafe sd_bus_start(bus) >= 0
    else { return false }
    defer { _ = unsafe sd_bus_flush_close_unref(bus) }
    var credentials: OpaquePointer?
    defer { _ = unsafe sd_bus_creds_unref(credentials) }
    return unsafe sd_bus_get_name_creds(bus, holder, 0, &credentials) >= 0
  }

  /// Whether somebody holds the newest inhibitor: its far end is closed otherwise.
  var isKeptAwake: Bool { !newestIsClosed(within: 0) }

  /// Whether the newest inhibitor is given back; the stand-in may keep its own end for a moment.
  var mayRest: Bool { newestIsClosed(within: 300_000) }

  private func newestIsClosed(within milliseconds: Int32) -> Bool {
    guard let end = world.state.withLock({ $0.inhibitors.last }) else { return true }
    var watched = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&watched, 1, milliseconds)
    return watched.revents != 0
  }
}
