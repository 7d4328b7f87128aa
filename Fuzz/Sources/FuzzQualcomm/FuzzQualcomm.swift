import FuzzKit
import SmithBytes
import SmithFormats
import SmithProtocols
import SmithVendors

/// Everything that reads bytes of the Qualcomm family. The first byte chooses: a parser of files, or
/// a procedure against a stick that says anything. Nothing may trap, every wait must end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzQualcomm(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  let rest = bytes.dropFirst()
  let file = SharedBytes([UInt8](rest))
  switch choice % 18 {
  case 0: _ = try? MBNImage(reading: file)
  case 1:
    _ = try? ELFProgram(reading: file).hashHeader
    _ = try? QualcommProgrammer(name: "fuzz", reading: file).signers
  case 2:
    guard let image = try? IntelHexImage(reading: file) else { return 0 }
    let text = SharedBytes([UInt8](image.encoded().utf8))
    precondition((try? IntelHexImage(reading: text)) == image, "the image did not come back")
  case 3:
    guard let table = try? SystemPartitionTable(reading: file) else { return 0 }
    let again = try? SystemPartitionTable(reading: SharedBytes(table.encoded()))
    precondition(again?.partitions.count == table.partitions.count, "the table did not come back")
  case 4: _ = try? UserPartitionTable(reading: file).systemTable(blockKiB: 128)
  case 5: _ = try? MIBIB(searching: file, pageSize: 512, pagesPerBlock: 4)
  case 6: _ = try? GPT(reading: file)
  case 7:
    _ = try? RawProgram(reading: file)
    let code = MBNImage.build(form: .short, imageID: 13, destination: 0, code: [1, 2, 3, 4])
    let image = try? RawProgramPackage.read([
      ("rawprogram0.xml", file), ("a", SharedBytes([UInt8](repeating: 1, count: 3000))),
      ("p", SharedBytes(code)),
    ])
    for write in image?.rawProgram?.writes ?? [] {
      precondition(!ProtectedPartitions.contains(write.entry.label), "identity would be written")
      precondition(write.entry.file == "a", "a file from elsewhere")
    }
  case 12:
    let updater = HuaweiUpdater.read(file)
    precondition(updater?.claims.firmware?.groups?.first ?? 11 == 11, "another family")
  case 13:
    let list = HuaweiPorts.list(String(decoding: rest, as: UTF8.self))
    if let list, let command = HuaweiPorts.command(for: .list(list)) {
      precondition(list.keepsATPort && command.text.utf8.count < 512, "a list without AT port")
    }
  case 14:
    _ = try? QualcommPart.recogniseAlone(file, named: "fuzz")
  case 15:
    // FE ends a file; the first one is made a table, so that the others are looked at.
    var files = rest.split(separator: 0xfe).prefix(40).enumerated().map { index, bytes in
      (name: "\(index).mbn", bytes: SharedBytes([UInt8](bytes)))
    }
    let table = UserPartitionTable(partitions: [
      UserPartition(name: "0:AMSS", size: 64, spare: 2),
      UserPartition(name: "0:DSP1", size: nil, spare: 0),
    ])
    files.append((name: "p.mbn", bytes: SharedBytes(table.encoded())))
    guard let image = try? NANDPackage.read(files) else { return 0 }
    precondition(image.nand != nil && !image.segments.isEmpty, "an image without parts")
  default:
    play(choice % 18, PlayedLink(frames: rest), blocks: rest.count.isMultiple(of: 2) ? nil : 2)
  }
  return 0
}

/// Runs one procedure to its end; a played stick never suspends.
func play(_ choice: UInt8, _ stick: PlayedLink, blocks: Int?) {
  let task = Task.immediate {
    let image = SharedBytes([UInt8](repeating: 7, count: 3000))
    switch choice {
    case 8:
      let diag = DiagSession(stick)
      _ = try? await diag.version()
      _ = try? await diag.build()
      _ = try? await diag.tree()
    case 9:
      let session = StreamingSession(stick)
      _ = try? await session.hello()
      try? await session.closeLeftOpen()
      try? await session.security()
      try? await session.write(.amss, size: 3000, next: { [UInt8](repeating: 7, count: $0) })
      try? await session.write(
        .dsp1, size: 30_000, window: 8, next: { [UInt8](repeating: 7, count: $0) })
    case 10: try? await SaharaSession(stick).upload { _ in image }
    case 16:
      _ = try? await QualcommEntry.openDiag(over: stick)
      try? await QualcommEntry.enter(over: stick, ExperimentalConsent(how: "fuzz"))
    case 17:
      _ = try? await QualcommEntry.loader(over: stick)
      try? await QualcommEntry.leave(over: stick)
    default:
      let session = FirehoseSession(stick, map: FirehoseMap(places: []))
      _ = try? await session.configure(.nand)
      _ = try? await session.learnMap(
        sectorSize: 512, pagesPerBlock: blocks, parts: [0])
      try? await session.read(sectorSize: 512, first: 0, count: 2) { _ in }
    }
  }
  _ = task
  precondition(stick.now < .seconds(7200), "a wait without a bound")
}
