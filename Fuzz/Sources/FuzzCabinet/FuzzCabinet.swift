import Glibc
import SmithLibrary
import SmithModel

/// Firmware cabinets: whatever the bytes, reading ends, and a description that is taken survives
/// being written and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCabinet(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  guard ftruncate(file.descriptor, 0) == 0,
    pwrite(file.descriptor, start, count, 0) == count
  else { return 0 }
  var total = 0
  try? Cabinet.read(file.path) { name, next throws(Trouble) in
    precondition(name.count <= 1000, "a name without a bound")
    while true {
      let piece = try next()
      if piece.isEmpty { return }
      total += piece.count
      if total > 4 << 20 { throw Cabinet.unreadable(name, "enough for one run") }
    }
  }
  return 0
}

/// A file in memory that libarchive can open by its name.
private let file: (descriptor: Int32, path: String) = {
  var name = Array("/dev/shm/smith-fuzz-XXXXXX".utf8CString)
  let descriptor = mkstemp(&name)
  return (
    descriptor, String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  )
}()

/// Writes starting inputs into the folder `SMITH_FUZZ_SEEDS`: cabinets of our own writer.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzCabinetSeeds(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = getenv("SMITH_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
  let files: [[Cabinet.Part]] = [
    [.init(name: "firmware.bin", source: .bytes([1, 2, 3]))],
    [
      .init(name: "a.metainfo.xml", source: .bytes(Array("<component/>".utf8))),
      .init(name: "firmware.bin", source: .bytes([UInt8](repeating: 7, count: 70_000))),
    ],
  ]
  for (index, parts) in files.enumerated() {
    let path = "\(folder)/cabinet-\(index)"
    unlink(path)
    try? Cabinet.write(parts, to: path)
  }
  return 0
}
