import Foundation
import SmithBytes
import SmithFormats

/// Writes starting inputs made by our own builder where the script says.
@_cdecl("LLVMFuzzerInitialize")
public func startISO9660(
  _ count: UnsafeMutablePointer<Int32>, _ words: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = ProcessInfo.processInfo.environment["SMITH_FUZZ_SEEDS"] else { return 0 }
  for joliet in [true, false] {
    var builder = ISO9660Builder(volume: "ZTE_MF823")
    builder.joliet = joliet
    builder.add("AUTORUN.INF", [UInt8]("[AutoRun]\nopen=AutoRun.exe\n".utf8))
    builder.add("ArConfig.dat", [UInt8]("[PRODUCT_VERSION]\nvalue=22.001.26.01.03\n".utf8))
    builder.add("d/e/f.inf", [UInt8]("[Version]\nDriverVer=1\nUSB\\VID_12D1".utf8))
    // The first sixteen sectors are empty in every image: the fuzzer need not learn them.
    let bytes = builder.build().dropFirst(16 * ISO9660Image.sector)
    try? Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/seed-\(joliet)"))
  }
  return 0
}

/// CD-ROM images and the dashboards in them: nothing traps, everything ends, and no file of an
/// image lies outside of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzISO9660(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = UnsafeBufferPointer(start: start, count: count)
  let bytes = [UInt8](repeating: 0, count: 16 * ISO9660Image.sector) + input
  let limits = ISO9660Limits(entries: 500, depth: 8, directorySize: 1 << 16)
  guard let dashboard = try? Dashboard.read(SharedBytes(bytes), limits: limits) else { return 0 }
  for file in dashboard.image.files {
    for extent in file.extents {
      precondition(extent.offset + extent.count <= bytes.count, "outside of the image")
    }
    precondition(file.bytes(limit: 1000).count <= 1000, "more than asked for")
    precondition(!file.path.unicodeScalars.contains { $0.value < 0x20 }, "steers a terminal")
  }
  precondition(dashboard.image.files.count <= 500, "more files than the limit")
  return 0
}
