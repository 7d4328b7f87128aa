import Crypto
import Foundation
import Glibc
import SmithBytes
import SmithFormats
public import SmithModel

/// What a cabinet held.
public struct CabinetContents: Sendable, Equatable {
  /// Its description.
  public var info: MetaInfo
  /// Files whose checksums were right, taken into the library.
  public var files: [String]
}

extension Library {
  /// Writes a file of the library and its description as a cabinet.
  ///
  /// - Throws: `cabinet.not-written`, `library.file-changed` if the file is not what it was.
  public func writeCabinet(of entry: Entry, to path: String) throws(Trouble) {
    guard let image = entry.images.first(where: { $0.inside == nil }) else {
      throw Trouble(
        "library.no-image", "This file is an archive; only a firmware file goes into a cabinet.",
        advice: ["Unpack the archive, add the firmware file and name that one."], exitCode: .usage)
    }
    let place = entry.places.first { place in
      if case .sum(entry.sha256, _) = FileSum.of(place.path) { true } else { false }
    }
    guard let place else {
      throw Trouble(
        "library.file-changed", "The file is not where it was, or not what it was.",
        facts: entry.places.map(\.path),
        advice: ["Run `modemsmith library verify`, and add the file once more."],
        exitCode: .badFile)
    }
    let info = MetaInfo(image, file: "firmware.bin", sha256: entry.sha256, note: entry.note)
    try Cabinet.write(
      [
        .init(name: "firmware.metainfo.xml", source: .bytes(info.encoded)),
        .init(name: "firmware.bin", source: .file(place.path, bytes: entry.bytes)),
      ], to: path)
  }

  /// Takes the files of a cabinet into the library if their checksums are right.
  ///
  /// - Parameters:
  ///   - path: the cabinet.
  ///   - reader: finds the images in a file.
  /// - Throws: `cabinet.unreadable`, `cabinet.bad-metainfo`, `cabinet.bad-checksum`; nothing is
  ///   taken over then.
  public func takeCabinet(_ path: String, reader: ImageReader = ImageReaders.plain())
    throws(Trouble) -> CabinetContents
  {
    let bench = "\(folder)/cabinet-\(getpid())-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: bench) }
    guard
      (try? FileManager.default.createDirectory(
        atPath: bench, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]))
        != nil
    else { throw Store.notWritable(bench, store.kind) }
    let unpacked = try unpack(path, onto: bench)
    guard let info = unpacked.info else {
      throw MetaInfo.bad("there is no file with the ending .metainfo.xml")
    }
    guard !info.checksums.isEmpty else { throw MetaInfo.bad("it gives no SHA-256 checksum") }
    var files: [String] = []
    for checksum in info.checksums {
      guard let file = unpacked.files[checksum.file], file.sha256 == checksum.sha256 else {
        throw Trouble(
          "cabinet.bad-checksum", "\(checksum.file) in the cabinet is missing or was changed.",
          facts: [
            "promised: \(checksum.sha256)",
            "found: \(unpacked.files[checksum.file]?.sha256 ?? "no such file")",
          ], advice: ["Get the cabinet once more from where it came from."], exitCode: .badFile)
      }
      files.append(file.path)
    }
    var kept: [String] = []
    for file in files {
      let images = try reader(file)
      guard case .sum(let sum, let state) = FileSum.of(file) else { continue }
      let copy = try copy(file, sum)
      // The library's own copy is the only place: the bench is cleared away.
      _ = try insert(
        sum, state, copy.path, images, provenance: "cabinet \(info.id)", copiedTo: copy)
      kept.append(sum)
    }
    return CabinetContents(info: info, files: kept)
  }

  private struct Unpacked {
    var info: MetaInfo?
    var files: [String: (path: String, sha256: String)] = [:]
  }

  /// Files go under numbers of ours: no name from inside is ever used as a path.
  private func unpack(_ path: String, onto bench: String) throws(Trouble) -> Unpacked {
    var result = Unpacked()
    try Cabinet.read(path) { (name, next) throws(Trouble) in
      let file = "\(bench)/\(result.files.count)"
      guard FileManager.default.createFile(atPath: file, contents: nil),
        let output = FileHandle(forWritingAtPath: file)
      else { throw Store.notWritable(file, store.kind) }
      defer { try? output.close() }
      var hash = SHA256()
      var start: [UInt8] = []
      let isInfo = name.hasSuffix(".metainfo.xml")
      while true {
        let bytes = try next()
        if bytes.isEmpty { break }
        hash.update(data: bytes)
        if isInfo, start.count <= 1 << 20 { start += bytes }
        guard (try? output.write(contentsOf: Data(bytes))) != nil else {
          throw Store.notWritable(file, store.kind)
        }
      }
      if isInfo, result.info == nil { result.info = try MetaInfo(start) }
      result.files[name] = (file, [UInt8](hash.finalize()).hex)
    }
    return result
  }
}
