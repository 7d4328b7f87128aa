/// The DIAG face of a simulated firmware (Docs/Protocols/diag.md); both Qualcomm bodies wear it.
struct QualcommSimDiag: Sendable {
  enum Action: Sendable { case none, reset, download, emergency }

  var model: String
  var build: String
  var chip: UInt16
  /// Settings by number, 128 bytes each.
  var items: [UInt16: [UInt8]]
  /// Files by whole path.
  var files: [String: [UInt8]]
  /// What nobody should have asked.
  var complaints: [String] = []
  /// A device that lists its directories without end (a known fault).
  var endlessListing = false
  private var open: [Int32: String] = [:]
  private var directories: [Int32: [(name: String, isDirectory: Bool, size: Int)]] = [:]
  private var nextHandle: Int32 = 1

  init(
    model: String, build: String, chip: UInt16, items: [UInt16: [UInt8]],
    files: [String: [UInt8]]
  ) {
    self.model = model
    self.build = build
    self.chip = chip
    self.items = items
    self.files = files
  }

  /// Item 550 as the firmware keeps an identity number.
  static func identityItem(_ imei: String) -> [UInt8] {
    let digits = imei.utf8.map { $0 & 0x0f }
    var item: [UInt8] = [8, digits[0] << 4 | 0x0a]
    for index in stride(from: 1, to: digits.count - 1, by: 2) {
      item.append(digits[index + 1] << 4 | digits[index])
    }
    return item + [UInt8](repeating: 0, count: 128 - item.count)
  }

  mutating func answer(_ body: [UInt8]) -> (reply: [UInt8], action: Action) {
    switch body[0] {
    case 0x00 where body.count == 1: (version(), .none)
    case 0x01 where body.count == 1: ([0x01, 0x78, 0x56, 0x34, 0x12], .none)
    case 0x7c where body.count == 1:
      (
        [0x7c, 2, 0, 0, 0] + word(0x1234) + word(7) + Array(build.utf8) + [0] + Array(model.utf8)
          + [0], .none
      )
    case 0x26: (read(body), .none)
    case 0x27: (write(body), .none)
    case 0x29 where body.count == 3: (body, body[1] == 2 ? .reset : .none)
    case 0x3a where body.count == 1: (body, .download)
    case 0x4b where body.count >= 4 && body[1] == 0x13: (fileSystem(body), .none)
    case 0x4b where body.starts(with: [0x4b, 0x65, 1, 0]): (body, .emergency)
    default: (refuse(0x13, body), .none)
    }
  }

  private mutating func refuse(_ code: UInt8, _ body: [UInt8]) -> [UInt8] {
    complaints.append("DIAG \(body[0]) refused with \(code)")
    return [code] + body
  }

  private func version() -> [UInt8] {
    var reply: [UInt8] = [0]
    for (text, width) in [
      ("Jul 15 2011", 11), ("10:20:30", 8), ("Aug 01 2011", 11), ("11:22:33", 8), (model, 8),
    ] {
      let field = Array(text.utf8.prefix(width))
      reply += field + [UInt8](repeating: 0x20, count: width - field.count)
    }
    reply += [0, 0, 0, 1, 0, 0]
    return reply + [UInt8(chip >> 8), UInt8(chip & 0xff)]
  }

  private mutating func read(_ body: [UInt8]) -> [UInt8] {
    guard body.count == 133 else { return refuse(0x15, body) }
    let number = UInt16(body[1]) | UInt16(body[2]) << 8
    guard let data = items[number] else { return Array(body[0..<131]) + [5, 0] }
    return Array(body[0..<3]) + data + [0, 0]
  }

  private mutating func write(_ body: [UInt8]) -> [UInt8] {
    guard body.count == 133 else { return refuse(0x15, body) }
    let number = UInt16(body[1]) | UInt16(body[2]) << 8
    guard [10, 441, 442, 946].contains(number) else {
      complaints.append("write of item \(number)")
      return Array(body[0..<131]) + [7, 0]
    }
    items[number] = Array(body[3..<131])
    return Array(body[0..<131]) + [0, 0]
  }

  private mutating func fileSystem(_ body: [UInt8]) -> [UInt8] {
    let head = Array(body[0..<4])
    let data = Array(body.dropFirst(4))
    func number(_ index: Int) -> Int32 {
      Int32(bitPattern: QualcommSimImage.number(data, index * 4))
    }
    switch body[2] {
    case 2 where data.count > 8:
      let path = text(Array(data.dropFirst(8)))
      guard number(0) == 0 else { return refuse(0x14, body) }
      guard files[path] != nil else { return head + word(.max) + word(2) }
      open[nextHandle] = path
      nextHandle += 1
      return head + word(UInt32(bitPattern: nextHandle - 1)) + word(0)
    case 3 where data.count == 4:
      return head + word(open.removeValue(forKey: number(0)) == nil ? 9 : 0)
    case 4 where data.count == 12:
      guard let path = open[number(0)], let file = files[path], number(1) <= 1024, number(2) >= 0
      else { return head + Array(data[0..<4]) + Array(data[8..<12]) + word(.max) + word(9) }
      let from = min(Int(number(2)), file.count)
      let piece = file[from..<min(from + max(0, Int(number(1))), file.count)]
      return head + Array(data[0..<4]) + Array(data[8..<12]) + word(UInt32(piece.count))
        + word(0) + piece
    case 11:
      return head + openDirectory(text(data))
    case 12 where data.count == 8:
      return head + entry(number(0), number(1))
    case 13 where data.count == 4:
      return head + word(directories.removeValue(forKey: number(0)) == nil ? 9 : 0)
    default:
      complaints.append("file system command \(body[2])")
      return refuse(0x14, body)
    }
  }

  private mutating func openDirectory(_ path: String) -> [UInt8] {
    let prefix = path.hasSuffix("/") ? path : path + "/"
    var seen: [String: (isDirectory: Bool, size: Int)] = [:]
    for (file, bytes) in files where file.hasPrefix(prefix) {
      let rest = file.dropFirst(prefix.count).split(separator: "/")
      guard let name = rest.first else { continue }
      seen[String(name)] = (rest.count > 1, rest.count > 1 ? 0 : bytes.count)
    }
    guard !seen.isEmpty || prefix == "/" else { return word(0) + word(2) }
    directories[nextHandle] = seen.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value.isDirectory, $0.value.size) }
    nextHandle += 1
    return word(UInt32(bitPattern: nextHandle - 1)) + word(0)
  }

  private func entry(_ handle: Int32, _ sequence: Int32) -> [UInt8] {
    let head = word(UInt32(bitPattern: handle)) + word(UInt32(bitPattern: sequence))
    guard let list = directories[handle], sequence > 0 else {
      return head + word(9) + [UInt8](repeating: 0, count: 25)
    }
    let index = Int(sequence) - 1
    var item = index < list.count ? list[index] : ("", false, 0)
    if endlessListing { item = ("again", false, 1) }
    let (name, isDirectory, size) = item
    let mode: UInt32 = isDirectory ? 0o040755 : 0o100644
    return head + word(0) + word(isDirectory ? 1 : 0) + word(mode) + word(UInt32(size))
      + [UInt8](repeating: 0, count: 12) + Array(name.utf8) + [0]
  }

  private func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private func word(_ value: UInt32) -> [UInt8] { QualcommSimImage.word(value) }
}
