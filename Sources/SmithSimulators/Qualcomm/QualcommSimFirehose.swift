/// The programmer in the RAM of a simulated LTE stick (Docs/Protocols/firehose.md).
struct QualcommSimFirehose: Sendable {
  var complaints: [String] = []
  /// When it restarts, counted from its answer.
  var leaves: Duration?
  private var input: [UInt8] = []
  private var payload = 0
  private var writing: (sector: UInt64, left: UInt64)?
  private static let begin = Array("<?xml".utf8)
  private static let end = Array("</data>".utf8)

  mutating func take(
    _ bytes: [UInt8], storage: inout QualcommSimStorage, habits: QualcommLTEBody.Habits,
    at now: Duration
  ) -> [[UInt8]] {
    input += bytes
    var replies: [[UInt8]] = []
    while true {
      if var job = writing {
        while job.left > 0, input.count >= QualcommSimStorage.sectorSize {
          let sector = Array(input.prefix(QualcommSimStorage.sectorSize))
          input.removeFirst(sector.count)
          storage.write(job.sector, sector, at: now)
          job.sector += 1
          job.left -= 1
        }
        writing = job.left == 0 ? nil : job
        guard writing == nil else { return replies }
        replies.append(response(true, " rawmode=\"false\""))
      }
      guard let end = firstEnd() else { return replies }
      // What stands in front of a document is of somebody who speaks another language.
      let whole = input[..<end]
      let start = whole.indices.first { whole[$0...].starts(with: Self.begin) } ?? 0
      let text = String(decoding: whole[start...], as: UTF8.self)
      input.removeFirst(end)
      replies += answer(text, &storage, habits, now)
    }
  }

  private mutating func answer(
    _ text: String, _ storage: inout QualcommSimStorage, _ habits: QualcommLTEBody.Habits,
    _ now: Duration
  ) -> [[UInt8]] {
    let parts = text.split(separator: "<", omittingEmptySubsequences: true)
    guard parts.count == 4, parts[0].hasPrefix("?xml"), parts[1] == "data>" else {
      return refuse("no document")
    }
    let element = String(parts[2])
    let name = String(element.prefix { $0 != " " && $0 != "/" })
    let attributes = Self.attributes(element)
    if !["configure", "nop", "power"].contains(name), payload == 0 {
      return refuse("configure first")
    }
    switch name {
    case "nop": return [response(true)]
    case "configure": return configure(attributes, habits)
    case "program": return program(attributes, storage)
    case "erase", "patch": return change(name, attributes, &storage, now)
    case "read": return read(attributes, storage)
    case "power" where attributes["value"] == "reset":
      // Time for the host to fetch the answer; a second if it asks for none.
      let seconds = attributes["DelayInSeconds"].flatMap { Int($0) } ?? 1
      leaves = .seconds(min(max(seconds, 0), 60))
      return [log("restarting"), response(true)]
    default: return refuse("unknown element \(name)")
    }
  }

  private mutating func configure(
    _ attributes: [String: String], _ habits: QualcommLTEBody.Habits
  ) -> [[UInt8]] {
    guard attributes["MemoryName"] == "nand",
      let wish = attributes["MaxPayloadSizeToTargetInBytes"].flatMap({ Int($0) })
    else { return refuse("no nand, no size") }
    let most = habits.mostPayload
    if wish > most, habits.refusesPayload {
      return [log("too big"), response(false, " MaxPayloadSizeToTargetInBytes=\"\(most)\"")]
    }
    payload = min(wish, most)
    let sizes =
      " MaxPayloadSizeToTargetInBytes=\"\(payload)\""
      + " MaxPayloadSizeToTargetInBytesSupported=\"\(most)\""
    return [response(true, sizes), log("configured")]
  }

  private mutating func program(
    _ attributes: [String: String], _ storage: QualcommSimStorage
  ) -> [[UInt8]] {
    guard let (first, count) = place(attributes, storage) else { return refuse("bad place") }
    writing = (first, count)
    // Raw bytes are those that come after the answer: what is left here ended the document.
    input.removeAll()
    return [log("program \(first)"), response(true, " rawmode=\"true\"")]
  }

  private mutating func change(
    _ name: String, _ attributes: [String: String], _ storage: inout QualcommSimStorage,
    _ now: Duration
  ) -> [[UInt8]] {
    if name == "erase" {
      guard let (first, count) = place(attributes, storage) else { return refuse("bad place") }
      for sector in first..<(first + count) {
        storage.write(
          sector, [UInt8](repeating: 0xff, count: QualcommSimStorage.sectorSize), at: now)
      }
      return [response(true)]
    }
    var whole = attributes
    whole["num_partition_sectors"] = "1"
    guard let (sector, _) = place(whole, storage), attributes["filename"] == "DISK",
      let offset = attributes["byte_offset"].flatMap({ Int($0) }),
      let size = attributes["size_in_bytes"].flatMap({ Int($0) }), (1...8).contains(size),
      let value = attributes["value"].flatMap({ UInt64($0) }), offset >= 0,
      offset + size <= QualcommSimStorage.sectorSize
    else { return refuse("bad patch") }
    var bytes = storage.sector(sector)
    for index in 0..<size { bytes[offset + index] = UInt8(value >> (8 * UInt64(index)) & 0xff) }
    storage.write(sector, bytes, at: now)
    return [response(true)]
  }

  private mutating func read(
    _ attributes: [String: String], _ storage: QualcommSimStorage
  ) -> [[UInt8]] {
    guard let (first, count) = place(attributes, storage, reading: true) else {
      return refuse("bad place")
    }
    let raw = (first..<(first + count)).flatMap { storage.sector($0) }
    return [response(true, " rawmode=\"true\""), raw, response(true, " rawmode=\"false\"")]
  }

  private mutating func place(
    _ attributes: [String: String], _ storage: QualcommSimStorage, reading: Bool = false
  ) -> (UInt64, UInt64)? {
    guard attributes["SECTOR_SIZE_IN_BYTES"] == "\(QualcommSimStorage.sectorSize)",
      attributes["physical_partition_number"] == "0",
      let first = attributes["start_sector"].flatMap({ UInt64($0) }),
      let count = attributes["num_partition_sectors"].flatMap({ UInt64($0) }), count > 0,
      first < storage.sectors, count <= storage.sectors - first
    else { return nil }
    if reading { return (first, count) }
    let guarded = storage.partitions.filter { ["mibib", "efs2"].contains($0.name) }
    if guarded.contains(where: { first < $0.first + $0.count && $0.first < first + count }) {
      complaints.append("asked to change an identity partition")
      return nil
    }
    return (first, count)
  }

  private mutating func refuse(_ reason: String) -> [[UInt8]] {
    complaints.append("programmer: \(reason)")
    return [log(reason), response(false)]
  }

  private func log(_ text: String) -> [UInt8] {
    Array("<?xml version=\"1.0\"?>\n<data>\n<log value=\"\(text)\" /></data>".utf8)
  }

  private func response(_ good: Bool, _ rest: String = "") -> [UInt8] {
    let value = good ? "ACK" : "NAK"
    return Array(
      "<?xml version=\"1.0\"?>\n<data>\n<response value=\"\(value)\"\(rest) /></data>".utf8)
  }

  private func firstEnd() -> Int? {
    guard input.count >= Self.end.count else { return nil }
    for start in 0...(input.count - Self.end.count)
    where input[start] == 0x3c && input[start...].starts(with: Self.end) {
      return start + Self.end.count
    }
    return nil
  }

  private static func attributes(_ element: String) -> [String: String] {
    var output: [String: String] = [:]
    let parts = element.split(separator: "\"", omittingEmptySubsequences: false)
    for index in stride(from: 0, to: parts.count - 1, by: 2) {
      let key = parts[index].split(separator: " ").last?.dropLast() ?? ""
      output[String(key)] = String(parts[index + 1])
    }
    return output
  }
}
