import CLibUSB
import Glibc
import SmithLink
import Synchronization

/// A device that is open through libusb.
public final class LibUSBDevice: UsbTalk {
  private let state: Mutex<State>
  private let raw: Raw

  private struct State {
    /// Claimed interfaces and whether a kernel driver has to be given back.
    var claimed: [Int: Bool] = [:]
  }

  /// The handle: libusb allows every call from every thread.
  @safe private final class Raw: @unchecked Sendable {
    let context: OpaquePointer
    let handle: OpaquePointer
    let descriptor: Int32

    init(_ context: OpaquePointer, _ handle: OpaquePointer, _ descriptor: Int32) {
      unsafe self.context = context
      unsafe self.handle = handle
      self.descriptor = descriptor
    }

    deinit {
      unsafe libusb_close(handle)
      unsafe libusb_exit(context)
      close(descriptor)
    }
  }

  /// Opens a device by its node.
  ///
  /// - Parameter path: as in `/dev/bus/usb/001/004`.
  /// - Throws: `.notPermitted`, `.gone` if there is no such device, or `.broken`.
  public init(path: String) throws(UsbError) {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw .notPermitted(path)
      case ENOENT, ENODEV, ENXIO: throw .gone
      default: throw .broken("\(path): \(FileNames.words(errno))")
      }
    }
    var context: OpaquePointer?
    smith_usb_no_discovery()
    let started = unsafe libusb_init(&context)
    guard started == 0, let context = unsafe context else {
      close(descriptor)
      throw .broken(Self.words(started))
    }
    var handle: OpaquePointer?
    let wrapped = unsafe libusb_wrap_sys_device(context, Int(descriptor), &handle)
    guard wrapped == 0, let handle = unsafe handle else {
      unsafe libusb_exit(context)
      close(descriptor)
      throw Self.error(wrapped)
    }
    raw = unsafe Raw(context, handle, descriptor)
    state = Mutex(State())
  }

  deinit {
    for interface in state.withLock({ Array($0.claimed.keys) }) { release(interface) }
  }

  /// Detaches the kernel driver and claims an interface; the driver is remembered.
  public func claim(_ interface: Int) throws(UsbError) {
    let number = Int32(clamping: interface)
    var hadDriver = false
    if unsafe libusb_kernel_driver_active(raw.handle, number) == 1 {
      try check(unsafe libusb_detach_kernel_driver(raw.handle, number))
      hadDriver = true
    }
    let result = unsafe libusb_claim_interface(raw.handle, number)
    guard result == 0 else {
      if hadDriver { _ = unsafe libusb_attach_kernel_driver(raw.handle, number) }
      throw Self.error(result)
    }
    state.withLock { $0.claimed[interface] = hadDriver }
  }

  /// Gives an interface back, and its kernel driver if it had one.
  public func release(_ interface: Int) {
    guard let hadDriver = state.withLock({ $0.claimed.removeValue(forKey: interface) }) else {
      return
    }
    let number = Int32(clamping: interface)
    // A device that has left meanwhile answers with an error, which is nobody's trouble.
    _ = unsafe libusb_release_interface(raw.handle, number)
    if hadDriver { _ = unsafe libusb_attach_kernel_driver(raw.handle, number) }
  }

  /// Detaches the kernel driver for good.
  public func detachDriver(_ interface: Int) throws(UsbError) {
    let number = Int32(clamping: interface)
    guard unsafe libusb_kernel_driver_active(raw.handle, number) == 1 else { return }
    try check(unsafe libusb_detach_kernel_driver(raw.handle, number))
  }

  /// Sends to a bulk endpoint; returns how many bytes were taken before the limit.
  public func send(_ bytes: [UInt8], to endpoint: UInt8, within limit: Duration)
    throws(UsbError) -> Int
  {
    var copy = bytes
    var done: Int32 = 0
    let result = unsafe copy.withUnsafeMutableBufferPointer { buffer in
      unsafe libusb_bulk_transfer(
        raw.handle, endpoint & 0x7f, buffer.baseAddress, Int32(clamping: buffer.count), &done,
        Self.milliseconds(limit))
    }
    // What was taken before the limit ran out was taken.
    if result != 0, done == 0 { throw Self.error(result) }
    return Int(done)
  }

  /// Receives from a bulk endpoint; what arrived before the limit is given out.
  public func receive(_ count: Int, from endpoint: UInt8, within limit: Duration)
    throws(UsbError) -> [UInt8]
  {
    var done: Int32 = 0
    var result: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      result = unsafe libusb_bulk_transfer(
        raw.handle, endpoint | 0x80, buffer.baseAddress, Int32(clamping: buffer.count), &done,
        Self.milliseconds(limit))
      filled = max(0, min(Int(done), count))
    }
    if result != 0, bytes.isEmpty { throw Self.error(result) }
    return bytes
  }

  /// Makes a control request.
  public func control(_ request: UsbRequest, within limit: Duration) throws(UsbError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: max(request.length, 1))
    let result = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe libusb_control_transfer(
        raw.handle, request.type, request.request, request.value, request.index,
        buffer.baseAddress, UInt16(clamping: request.length), Self.milliseconds(limit))
    }
    guard result >= 0 else { throw Self.error(result) }
    return [UInt8](buffer.prefix(min(Int(result), request.length)))
  }

  /// Clears a stalled endpoint.
  public func clearHalt(_ endpoint: UInt8) throws(UsbError) {
    try check(unsafe libusb_clear_halt(raw.handle, endpoint))
  }

  /// Chooses a configuration.
  public func setConfiguration(_ value: Int) throws(UsbError) {
    try check(unsafe libusb_set_configuration(raw.handle, Int32(clamping: value)))
  }

  /// Chooses an alternate setting.
  public func setAlternate(_ alternate: Int, of interface: Int) throws(UsbError) {
    try check(
      unsafe libusb_set_interface_alt_setting(
        raw.handle, Int32(clamping: interface), Int32(clamping: alternate)))
  }

  /// Resets the device.
  public func reset() throws(UsbError) {
    try check(unsafe libusb_reset_device(raw.handle))
  }

  private func check(_ result: Int32) throws(UsbError) {
    if result != 0 { throw Self.error(result) }
  }

  private static func error(_ code: Int32) -> UsbError {
    switch code {
    case LIBUSB_ERROR_TIMEOUT.rawValue: .silent
    case LIBUSB_ERROR_PIPE.rawValue: .stalled
    case LIBUSB_ERROR_NO_DEVICE.rawValue, LIBUSB_ERROR_IO.rawValue: .gone
    case LIBUSB_ERROR_BUSY.rawValue: .busy(nil)
    case LIBUSB_ERROR_ACCESS.rawValue: .notPermitted("the USB device")
    case LIBUSB_ERROR_NOT_FOUND.rawValue: .gone
    default: .broken(words(code))
    }
  }

  private static func words(_ code: Int32) -> String {
    guard let name = unsafe libusb_error_name(code) else { return "libusb error \(code)" }
    return unsafe String(cString: name)
  }

  /// libusb takes 0 for "no limit", which no wait of ours has.
  private static func milliseconds(_ limit: Duration) -> UInt32 {
    let (seconds, attoseconds) = limit.components
    let whole = min(max(seconds, 0), 86_400) * 1000 + attoseconds / 1_000_000_000_000_000
    return UInt32(clamping: max(whole, 1))
  }
}
