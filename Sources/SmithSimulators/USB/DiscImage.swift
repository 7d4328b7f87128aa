import SmithBytes

/// A real ISO 9660 image, level 1, of a few files in one folder
/// (Docs/Protocols/usb-storage-cd.md section 5).
public enum DiscImage {
  /// Bytes of a sector.
  public static let sector = 2048

  /// Builds the image.
  ///
  /// - Parameters:
  ///   - label: name of the volume, up to 32 characters of A-Z, 0-9 and `_`.
  ///   - files: names of the form NAME.EXT in upper case, and contents.
  public static func build(label: String, files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    let files = files.sorted { $0.name < $1.name }
    // 16 empty sectors, volume descriptor, terminator, two path tables, the folder, the files.
    let tableL: UInt32 = 18
    let tableM: UInt32 = 19
    let folder: UInt32 = 20
    var next: UInt32 = 21
    var places: [UInt32] = []
    for file in files {
      places.append(next)
      next += UInt32((file.bytes.count + sector - 1) / sector)
    }
    // Drives read ahead; the last file shall not end at the very end of the disc.
    let total = next + 150
    var image = [UInt8](repeating: 0, count: 16 * sector)
    let root = record(name: [0], at: folder, size: UInt32(sector), isFolder: true)
    image += padded(volume(label, total: total, tableL: tableL, tableM: tableM, root: root))
    image += padded([255] + Array("CD001".utf8) + [1])
    image += padded(pathTable(folder, big: false))
    image += padded(pathTable(folder, big: true))
    var entries = root + record(name: [1], at: folder, size: UInt32(sector), isFolder: true)
    for (file, place) in zip(files, places) {
      entries += record(
        name: Array("\(file.name);1".utf8), at: place, size: UInt32(clamping: file.bytes.count),
        isFolder: false)
    }
    image += padded(Array(entries.prefix(sector)))
    for file in files { image += padded(file.bytes) }
    image += [UInt8](repeating: 0, count: Int(total) * sector - image.count)
    return image
  }

  /// The disc of a Huawei stick: what Windows runs, and a word for people.
  public static func mobilePartner(label: String) -> [UInt8] {
    build(
      label: label,
      files: [
        ("AUTORUN.INF", Array("[AutoRun]\r\nopen=AutoRun.exe\r\nicon=Startup.ico\r\n".utf8)),
        ("README.TXT", Array("A simulated stick serves this disc.\r\n".utf8)),
        ("SYSCONFIG.DAT", Array("simulated".utf8)),
      ])
  }

  private static func volume(
    _ label: String, total: UInt32, tableL: UInt32, tableM: UInt32, root: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = [1] + Array("CD001".utf8) + [1, 0]
    bytes += blank("LINUX", 32) + blank(label, 32) + [UInt8](repeating: 0, count: 8)
    bytes += both(total) + [UInt8](repeating: 0, count: 32)
    bytes += both(UInt16(1)) + both(UInt16(1)) + both(UInt16(sector)) + both(UInt32(10))
    bytes.append(little: tableL)
    bytes.append(little: UInt32(0))
    bytes.append(big: tableM)
    bytes.append(big: UInt32(0))
    bytes += root
    bytes += blank("", 128 * 4 + 37 * 3)
    let date = Array("2013012120523200".utf8) + [0]
    let never = Array("0000000000000000".utf8) + [0]
    bytes += date + date + never + never
    return bytes + [1, 0]
  }

  private static func pathTable(_ folder: UInt32, big: Bool) -> [UInt8] {
    var bytes: [UInt8] = [1, 0]
    if big {
      bytes.append(big: folder)
      bytes.append(big: UInt16(1))
    } else {
      bytes.append(little: folder)
      bytes.append(little: UInt16(1))
    }
    return bytes + [0, 0]
  }

  private static func record(name: [UInt8], at place: UInt32, size: UInt32, isFolder: Bool)
    -> [UInt8]
  {
    let pad = name.count.isMultiple(of: 2) ? 1 : 0
    var bytes: [UInt8] = [UInt8(33 + name.count + pad), 0]
    bytes += both(place) + both(size)
    // 21 January 2013, 20:52:32.
    bytes += [113, 1, 21, 20, 52, 32, 0, isFolder ? 2 : 0, 0, 0]
    bytes += both(UInt16(1)) + [UInt8(name.count)] + name
    return bytes + [UInt8](repeating: 0, count: pad)
  }

  private static func both(_ value: some FixedWidthInteger) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: value)
    bytes.append(big: value)
    return bytes
  }

  private static func blank(_ text: String, _ width: Int) -> [UInt8] {
    let kept = Array(text.utf8.prefix(width))
    return kept + [UInt8](repeating: 0x20, count: width - kept.count)
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (sector - bytes.count % sector) % sector)
  }
}
