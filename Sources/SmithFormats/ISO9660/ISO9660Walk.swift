internal import SmithBytes

/// Walks the directories of an image, each once (Docs/Protocols/iso9660.md sections 2 and 4).
struct ISO9660Walk {
  let file: SharedBytes
  let limits: ISO9660Limits
  let isJoliet: Bool
  private(set) var files: [ISO9660File] = []
  private(set) var warnings: [ISO9660Warning] = []
  private var visited: Set<Int> = []
  private var entries = 0
  private var directoryBytes = 0
  /// Whether the last file goes on in the next record.
  private var continues = false
  /// Where each file's data lies, for finding overlaps.
  private var places: [(range: Range<Int>, path: String)] = []

  init(file: SharedBytes, limits: ISO9660Limits, isJoliet: Bool) {
    self.file = file
    self.limits = limits
    self.isJoliet = isJoliet
  }

  mutating func warn(_ warning: ISO9660Warning) {
    if warnings.count < limits.warnings { warnings.append(warning) }
  }

  /// Reads everything below the root, a list of directories instead of calls of itself: a hostile
  /// image decides how deep they lie.
  mutating func directory(_ root: ISO9660Record) throws(ISO9660Error) {
    guard root.isDirectory, content(of: root) != nil else { throw .badRoot }
    visited.insert(root.offset)
    var waiting = [(path: "", record: root, depth: 0)]
    while let next = waiting.popLast() {
      guard let bytes = content(of: next.record) else {
        warn(.outside(next.path))
        continue
      }
      // Directories may lie over one another: what counts is how much was read of them.
      directoryBytes += bytes.count
      guard directoryBytes <= limits.directorySize * 8 else {
        throw .tooManyFiles(limit: limits.entries)
      }
      var found: [(path: String, record: ISO9660Record, depth: Int)] = []
      for record in records(bytes, of: next.path) {
        entries += 1
        guard entries <= limits.entries else { throw .tooManyFiles(limit: limits.entries) }
        let name = ISO9660Names.file(record.name, isJoliet: isJoliet)
        let path = next.path.isEmpty ? name : "\(next.path)/\(name)"
        if !record.isDirectory {
          add(record, path)
        } else if mayEnter(record, path, depth: next.depth + 1) {
          found.append((path, record, next.depth + 1))
        }
      }
      waiting += found.reversed()
    }
  }

  private mutating func mayEnter(_ record: ISO9660Record, _ path: String, depth: Int) -> Bool {
    guard depth <= limits.depth else {
      warn(.tooDeep(path))
      return false
    }
    guard visited.insert(record.offset).inserted else {
      warn(.loop(path))
      return false
    }
    return true
  }

  private func content(of record: ISO9660Record) -> [UInt8]? {
    guard record.size > 0, record.size <= limits.directorySize,
      record.offset + record.size <= file.count
    else { return nil }
    return file.bytes(record.offset..<(record.offset + record.size))
  }

  /// The records of one directory; none crosses the end of a sector.
  private mutating func records(_ bytes: [UInt8], of path: String) -> [ISO9660Record] {
    var result: [ISO9660Record] = []
    var position = 0
    while position < bytes.count {
      let end = min(bytes.count, (position / ISO9660Image.sector + 1) * ISO9660Image.sector)
      guard bytes[position] != 0 else {
        position = end
        continue
      }
      guard let record = ISO9660Record(bytes[position..<end]) else {
        warn(.badRecord(path.isEmpty ? "/" : path))
        position = end
        continue
      }
      position += record.length
      // One more than the limit is enough for the caller to see that there are too many.
      if !record.isDots, !record.isAssociated { result.append(record) }
      if result.count > limits.entries { break }
    }
    return result
  }

  private mutating func add(_ record: ISO9660Record, _ path: String) {
    let range = record.offset..<(record.offset + record.size)
    var extents: [SharedBytes] = []
    if let cut = file.slice(range) {
      if !cut.isEmpty {
        extents = [cut]
        places.append((range, path))
      }
    } else {
      warn(.outside(path))
    }
    if let last = files.last, last.path == path, continues {
      files[files.count - 1].size += record.size
      files[files.count - 1].extents += extents
    } else {
      files.append(ISO9660File(path: path, size: record.size, extents: extents))
    }
    continues = record.goesOn
  }

  /// Two files whose data overlap without being the same, if there are any.
  var overlap: (String, String)? {
    let sorted = places.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for (one, other) in zip(sorted, sorted.dropFirst())
    where one.range != other.range && one.range.overlaps(other.range) {
      return (one.path, other.path)
    }
    return nil
  }
}
