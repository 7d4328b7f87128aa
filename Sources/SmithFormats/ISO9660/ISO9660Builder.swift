internal import SmithBytes

/// Makes CD-ROM images for tests and samples: primary volume and, if wanted, Joliet
/// (Docs/Protocols/iso9660.md sections 1 and 2).
public struct ISO9660Builder: Sendable {
  /// Name of the volume.
  public var volume: String
  /// Who is said to publish it.
  public var publisher = ""
  /// Whether a Joliet tree is added.
  public var joliet = true
  private var files: [(path: String, bytes: [UInt8])] = []

  /// An empty image.
  public init(volume: String) {
    self.volume = volume
  }

  /// Adds a file; `/` parts the directories of its path.
  public mutating func add(_ path: String, _ bytes: [UInt8]) {
    files.append((path, bytes))
  }

  /// The image.
  public func build() -> [UInt8] {
    var trees = [Tree(files.map(\.path), isJoliet: false)]
    if joliet { trees.append(Tree(files.map(\.path), isJoliet: true)) }
    var next = 16 + trees.count + 1
    for index in trees.indices { next = trees[index].place(from: next) }
    var starts: [Int] = []
    for file in files {
      starts.append(next)
      next += Self.sectors(file.bytes.count)
    }
    var image = [UInt8](repeating: 0, count: 16 * ISO9660Image.sector)
    for tree in trees { image += descriptor(tree, sectors: next) }
    image += Self.padded([0xff] + ISO9660Image.mark + [1])
    for tree in trees {
      image += tree.bytes { index in (starts[index], files[index].bytes.count) }
    }
    for file in files { image += Self.padded(file.bytes) }
    return image
  }

  private static func sectors(_ bytes: Int) -> Int {
    (bytes + ISO9660Image.sector - 1) / ISO9660Image.sector
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: sectors(bytes.count) * ISO9660Image.sector - bytes.count)
  }

  private func descriptor(_ tree: Tree, sectors: Int) -> [UInt8] {
    var bytes = [tree.isJoliet ? 2 : 1] + ISO9660Image.mark + [1, 0]
    func field(_ text: String, _ width: Int) -> [UInt8] {
      guard tree.isJoliet else {
        return [UInt8]((text + String(repeating: " ", count: width)).utf8.prefix(width))
      }
      let units = (text + String(repeating: " ", count: width)).utf16.prefix(width / 2)
      return units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    }
    bytes += field("", 32) + field(volume, 32)
    bytes += [UInt8](repeating: 0, count: 8)
    Self.both32(sectors, &bytes)
    var escape = [UInt8](repeating: 0, count: 32)
    if tree.isJoliet { escape.replaceSubrange(0..<3, with: [0x25, 0x2f, 0x45]) }
    bytes += escape
    for value in [1, 1, ISO9660Image.sector] { Self.both16(value, &bytes) }
    bytes += [UInt8](repeating: 0, count: 156 - bytes.count)
    bytes += Tree.record([0], extent: tree.start, size: tree.rootSize, isDirectory: true)
    bytes += field("", 128) + field(publisher, 128) + field("", 128) + field("", 128)
    bytes += [UInt8](repeating: 0x20, count: 813 - bytes.count)
    bytes += [UInt8]("2014061117254300".utf8) + [0]
    bytes += [UInt8](repeating: 0x30, count: 881 - bytes.count)
    bytes.append(1)
    return Self.padded(bytes)
  }

  static func both32(_ value: Int, _ bytes: inout [UInt8]) {
    bytes.append(little: UInt32(truncatingIfNeeded: value))
    bytes.append(big: UInt32(truncatingIfNeeded: value))
  }

  static func both16(_ value: Int, _ bytes: inout [UInt8]) {
    bytes.append(little: UInt16(truncatingIfNeeded: value))
    bytes.append(big: UInt16(truncatingIfNeeded: value))
  }
}

extension ISO9660Builder {
  /// The directories of one volume.
  struct Tree {
    let isJoliet: Bool
    /// First sector of the root.
    private(set) var start = 0
    private var directories: [Directory]

    struct Directory {
      var path: String
      var parent: Int
      /// Names with the index of a file, or of a directory.
      var entries: [(name: String, file: Int?, directory: Int?)] = []
      var sector = 0
      var size = 0
    }

    init(_ paths: [String], isJoliet: Bool) {
      self.isJoliet = isJoliet
      directories = [Directory(path: "", parent: 0)]
      for (index, path) in paths.enumerated() {
        let parts = path.split(separator: "/").map(String.init)
        var at = 0
        for name in parts.dropLast() { at = child(name, of: at) }
        directories[at].entries.append((parts.last ?? "", index, nil))
      }
    }

    private mutating func child(_ name: String, of parent: Int) -> Int {
      let path = directories[parent].path + "/" + name
      if let known = directories.firstIndex(where: { $0.path == path }) { return known }
      directories.append(Directory(path: path, parent: parent))
      directories[parent].entries.append((name, nil, directories.count - 1))
      return directories.count - 1
    }

    var rootSize: Int { directories[0].size }

    /// Gives every directory its sectors and says which sector is the next free one.
    mutating func place(from sector: Int) -> Int {
      start = sector
      var next = sector
      for index in directories.indices {
        directories[index].sector = next
        let bytes = content(index) { _ in (0, 0) }
        directories[index].size = bytes.count
        next += bytes.count / ISO9660Image.sector
      }
      return next
    }

    func bytes(_ place: (Int) -> (sector: Int, size: Int)) -> [UInt8] {
      directories.indices.flatMap { content($0, place) }
    }

    private func content(_ index: Int, _ place: (Int) -> (sector: Int, size: Int)) -> [UInt8] {
      let own = directories[index]
      let above = directories[own.parent]
      var records = [
        Self.record([0], extent: own.sector, size: own.size, isDirectory: true),
        Self.record([1], extent: above.sector, size: above.size, isDirectory: true),
      ]
      for entry in own.entries {
        if let file = entry.file {
          let (sector, size) = place(file)
          records.append(
            Self.record(
              name(entry.name, ";1"), extent: sector, size: size, isDirectory: false))
        } else if let directory = entry.directory {
          let below = directories[directory]
          records.append(
            Self.record(
              name(entry.name, ""), extent: below.sector, size: below.size, isDirectory: true))
        }
      }
      var bytes: [UInt8] = []
      for record in records {
        let left = ISO9660Image.sector - bytes.count % ISO9660Image.sector
        if record.count > left { bytes += [UInt8](repeating: 0, count: left) }
        bytes += record
      }
      return ISO9660Builder.padded(bytes)
    }

    private func name(_ text: String, _ version: String) -> [UInt8] {
      guard isJoliet else { return [UInt8]((text.uppercased() + version).utf8.prefix(31)) }
      return (text + version).utf16.prefix(100).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    }

    static func record(_ name: [UInt8], extent: Int, size: Int, isDirectory: Bool) -> [UInt8] {
      let length = 33 + name.count + (name.count.isMultiple(of: 2) ? 1 : 0)
      var bytes: [UInt8] = [UInt8(length), 0]
      ISO9660Builder.both32(extent, &bytes)
      ISO9660Builder.both32(size, &bytes)
      bytes += [114, 6, 11, 17, 25, 43, 0, isDirectory ? 2 : 0, 0, 0]
      ISO9660Builder.both16(1, &bytes)
      bytes.append(UInt8(name.count))
      bytes += name
      if bytes.count < length { bytes.append(0) }
      return bytes
    }
  }
}
