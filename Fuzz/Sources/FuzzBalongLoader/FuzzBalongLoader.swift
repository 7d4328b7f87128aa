import Glibc
import SmithBytes
import SmithFormats

/// Reads the input as a loader, once as it is and once behind a good head, so that what comes
/// after the first four bytes is reached; what is made harmless must be as long as before.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBalongLoader(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  judge(input)
  judge([0, 0, 2, 0] + [UInt8](repeating: 0, count: 32) + input)
  return 0
}

private func judge(_ bytes: [UInt8]) {
  guard let loader = try? BalongLoader.read(SharedBytes(bytes)) else { return }
  precondition(loader.size <= bytes.count, "parts lie over each other")
  guard let disarmed = loader.disarmed() else { return }
  precondition(disarmed.map(\.bytes.count) == loader.parts.map(\.bytes.count))
  precondition(loader.eraseCalls.count == 1, "sent without proof")
}

/// Writes starting inputs made by the builder into the folder `SMITH_FUZZ_SEEDS`.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzBalongLoaderSeeds(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = getenv("SMITH_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
  for kind in BalongLoaderBuilder.Kind.allCases {
    for pattern in ["v7r1", "v7r2", "v7r11", "v7r22-a"] {
      var builder = BalongLoaderBuilder()
      builder.kind = kind
      builder.pattern = pattern
      builder.size = 4096
      let file = builder.build()
      write(file, to: "\(folder)/loader-\(kind.rawValue)-\(pattern)")
      write(Array(file.dropFirst(36)), to: "\(folder)/parts-\(kind.rawValue)-\(pattern)")
    }
  }
  return 0
}

private func write(_ bytes: [UInt8], to path: String) {
  guard let file = fopen(path, "w") else { return }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}
