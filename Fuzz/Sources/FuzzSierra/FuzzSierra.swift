import FuzzKit
import Glibc
import SmithBytes
import SmithFormats
import SmithProtocols
import SmithVendors

/// Sierra images, answer lines, settings and the download procedures: nothing traps, everything ends. The
/// first byte chooses which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSierra(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  switch choice % 6 {
  case 0:
    fuzzImage(SharedBytes([UInt8](bytes.dropFirst())))
    fuzzImage(SharedBytes(sealed([UInt8](bytes.dropFirst()))))
  case 1: fuzzAnswers(String(decoding: bytes.dropFirst(), as: UTF8.self))
  case 2:
    // What reads as settings is written as the same bytes again.
    let payload = [UInt8](bytes.dropFirst())
    if let settings = NVUpdate(SharedBytes(payload)) {
      precondition(settings.encoded == payload, "settings changed on their way")
    }
  case 3:
    // Three files, cut at the same two places of the input.
    let (rest, part) = (Array(bytes.dropFirst()), bytes.count / 3)
    let files = [("amss.mbn", 0), ("apps.mbn", part), ("UQCN.mbn", 2 * part)].map { name, start in
      (name: name, bytes: SharedBytes([UInt8](rest.dropFirst(start).prefix(part))))
    }
    _ = try? GobiPackage.read(files)
  case 4:
    // HIP frames have no checksum: those of the input are taken as they are.
    let link = PlayedLink(bytes.dropFirst(), mark: 0xff, waitsForSends: true, vanishes: true) {
      [0x7e] + $0 + [0x7e]
    }
    let file = SharedBytes([UInt8](repeating: 7, count: 5000))
    Task.immediate { try? await SierraHIP.download(file, over: link) }
    precondition(link.now < .seconds(7200), "a wait without a bound")
  default:
    let link = PlayedLink(bytes.dropFirst(), mark: 0xff, waitsForSends: true, vanishes: true) {
      HDLC.frame($0)
    }
    let image = QDLImage(
      name: "x", type: .cwe, header: [UInt8](repeating: 0, count: 400), size: 5000
    ) { range, buffer in
      buffer.append(contentsOf: repeatElement(7, count: range.count))
      return true
    }
    Task.immediate { _ = try? await SierraQDL.download([image], over: link) }
    precondition(link.now < .seconds(7200), "a wait without a bound")
  }
  return 0
}

/// Puts the right size and CRCs into the outermost header, so that what they guard is reached.
func sealed(_ input: [UInt8]) -> [UInt8] {
  guard input.count >= SierraHeader.size else { return input }
  var bytes = input
  func put(_ value: UInt32, at offset: Int) {
    for byte in 0..<4 { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (24 - 8 * byte)) }
  }
  put(CRC32Sierra.of(Array(bytes[..<256])), at: 256)
  put(UInt32(truncatingIfNeeded: bytes.count - SierraHeader.size), at: 276)
  put(CRC32Sierra.of(Array(bytes[SierraHeader.size...])), at: 280)
  return bytes
}

func fuzzImage(_ bytes: SharedBytes) {
  guard let image = try? SierraImage.examine(bytes) else { return }
  image.root.visit { node, _ in
    precondition(node.offset + SierraHeader.size + node.body.count <= bytes.count, "out of file")
  }
  _ = (image.kind, image.versions, image.flaws.map(\.trouble))
}

func fuzzAnswers(_ text: String) {
  let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
  _ = (SierraPRI(lines: lines), SierraPreference(lines: lines), SierraPower(lines: lines))
  _ = SierraAnswers.mode(status: lines)
  _ = lines.map { (SierraRevision($0), SierraVersionText($0)) }
}

/// Writes starting inputs made by the builder into the folder `SMITH_FUZZ_SEEDS`. Without them no
/// input ever grew to the 400 bytes of a header.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzSierraSeeds(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = getenv("SMITH_FUZZ_SEEDS").map({ String(cString: $0) }),
    let product = SierraCode("9X15")
  else { return 0 }
  func header(_ type: String, _ version: String = "") -> SierraHeader {
    SierraHeader(
      type: SierraCode(type) ?? product, product: product, version: version, date: "11/15/13")
  }
  let boot = SierraBuilder.composite(
    header("BOOT", "SWI9X15C_05.05.66.00"), [.payload(header("SBL1"), [1, 2, 3])])
  let settings = SierraBuilder.composite(
    header("FILE", "/swir/nvdelta/NVUP_X.010"), [.payload(header("NVUP"), [4, 5, 6])])
  var described = header("SPKG", "INTERNAL_?_SWI9X15C_05.05.66.00_?_?_?_?")
  described.describe([
    SierraDescriptor(component: 3, flags: 0, offset: 400, size: 803, source: "FULL")
  ])
  let files: [SierraBuilder] = [
    .composite(described, [boot]),
    .composite(
      header("SPKG", "9999999_9902574_SWI9X15C_05.05.66.00_00_GENERIC_005.028_000"),
      [.composite(header("FILE"), [settings])]),
    .payload(header("APPL"), [7, 8, 9]),
  ]
  for (index, file) in files.enumerated() {
    let input = [0] + file.bytes
    guard let stream = fopen("\(folder)/image-\(index)", "w") else { continue }
    fwrite(input, 1, input.count, stream)
    fclose(stream)
  }
  return 0
}
