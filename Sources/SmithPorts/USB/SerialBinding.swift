import Glibc
public import SmithLink
public import SmithModel

/// Teaches the kernel's serial driver an id that it does not know, the alternative to a bulk link
/// (Docs/Protocols/usb-modes.md section 7).
public enum SerialBinding {
  /// Writes an id to the driver's `new_id`; a tty appears soon after. Needs root.
  ///
  /// - Parameters:
  ///   - id: the stick's id.
  ///   - driver: name of the serial driver.
  ///   - sysfs: where sysfs is mounted.
  /// - Throws: `.notPermitted`, or `.notFound` if the driver is not loaded.
  public static func teach(_ id: USBID, driver: String = "option1", sysfs: String = "/sys")
    throws(LinkError)
  {
    try write("\(words(id))\n", to: "\(sysfs)/bus/usb-serial/drivers/\(driver)/new_id")
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
