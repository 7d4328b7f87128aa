import Glibc
public import SmithLink
public import SmithModel

/// Teaches the kernel's serial driver an id that it does not know, the alternative to a bulk link
/// (Docs/Protocols/usb-modes.md section 7).
public enum SerialBinding {
  /// Interfaces that look like serial ports and that no driver has taken.
  ///
  /// Class FF with a pair of bulk endpoints; Android's debug bridge (FF/42/01) is none.
  public static func orphans(of device: UsbDevice) -> [UsbInterface] {
    device.interfaces.filter { interface in
      interface.driver == nil && interface.triple.kind == 0xff
        && interface.triple != UsbTriple(0xff, 0x42, 0x01)
        && interface.endpoints.contains { $0.isBulk && $0.isIn }
        && interface.endpoints.contains { $0.isBulk && !$0.isIn }
    }
  }

  /// Has the driver take every serial interface of a stick that none has taken.
  ///
  /// Sends nothing to the stick. The id stays with the driver until the computer restarts.
  ///
  /// - Parameters:
  ///   - place: bus and port chain, as in `1-2.3`.
  ///   - limit: how long the ports may take to appear.
  /// - Returns: the interfaces that were bound, as they are now; none if none was without a driver.
  /// - Throws: a trouble; the stick is untouched, and so is every other port of it.
  public static func bind(
    at place: String, driver: String = "option1", usb: SysfsUSB, time: Timepiece = .system,
    within limit: Duration = .seconds(5)
  ) async throws(Trouble) -> [UsbInterface] {
    guard let device = usb.device(at: place) else { throw LinkError.gone.trouble }
    let wanted = Set(orphans(of: device).map(\.number))
    if wanted.isEmpty { return [] }
    do throws(LinkError) { try teach(device.id, driver: driver, sysfs: usb.root) } catch {
      throw trouble(error, driver: driver)
    }
    let end = time.now() + limit
    while true {
      let bound = (usb.device(at: place)?.interfaces ?? []).filter {
        wanted.contains($0.number) && $0.nodes.contains { $0.kind == .tty }
      }
      if bound.count == wanted.count { return bound }
      guard time.now() < end else {
        if !bound.isEmpty { return bound }
        throw noDriver(
          "The driver \(driver) did not take the ports of the stick at \(place).",
          "Leave it so: this tool then speaks to the stick through libusb.")
      }
      await time.pause(.milliseconds(50))
    }
  }

  /// Writes an id to the driver's `new_id`; a tty appears soon after. Needs root.
  ///
  /// Only interfaces of the vendor's class FF are offered: drives and network parts stay free.
  ///
  /// - Parameters:
  ///   - id: the stick's id.
  ///   - driver: name of the serial driver.
  ///   - sysfs: where sysfs is mounted.
  /// - Throws: `.notPermitted`, or `.notFound` if the driver is not loaded.
  public static func teach(_ id: USBID, driver: String = "option1", sysfs: String = "/sys")
    throws(LinkError)
  {
    try write("\(words(id)) ff\n", to: "\(sysfs)/bus/usb-serial/drivers/\(driver)/new_id")
  }

  private static func trouble(_ error: LinkError, driver: String) -> Trouble {
    guard case .notFound = error else { return error.trouble }
    return noDriver(
      "The kernel's serial driver \(driver) is not loaded.",
      "Run `sudo modprobe option` and try again.")
  }

  private static func noDriver(_ words: String, _ advice: String) -> Trouble {
    Trouble("port.no-serial-driver", words, advice: [advice], exitCode: .refused)
  }

  private static func words(_ id: USBID) -> String {
    id.description.split(separator: ":").joined(separator: " ")
  }

  private static func write(_ text: String, to path: String) throws(LinkError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw .notPermitted(path: path)
      case ENOENT: throw .notFound(path: path)
      default: throw .broken("\(path): \(FileNames.words(errno))")
      }
    }
    defer { close(descriptor) }
    let count = unsafe Glibc.write(descriptor, text, text.utf8.count)
    // An id that is known already is as good as one that was taken.
    guard count == text.utf8.count || errno == EEXIST else {
      throw .broken("\(path): \(FileNames.words(errno))")
    }
  }
}
