import Foundation
public import SmithModel

/// The device file of USB ids: what a composition usually is, its port roles, how it is switched.
public enum UsbIDs {
  /// Every entry (Docs/Protocols/usb-modes.md sections 3, 5 and 6).
  public static let entries = decode(PackageResources.usb_ids_json5)

  /// Reads a device file; a broken one knows nothing, which a test of the built-in one rules out.
  static func decode(_ bytes: [UInt8]) -> [UsbEntry] {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    return (try? decoder.decode([UsbEntry].self, from: Data(bytes))) ?? []
  }
}
