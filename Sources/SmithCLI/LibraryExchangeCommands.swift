import ArgumentParser
import Foundation
import SmithBytes
import SmithEngine
import SmithLibrary
import SmithModel

struct LibraryExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a signed catalogue (facts, no firmware), or one file as a cabinet.",
    discussion: """
      modemsmith library key my.key                      once: makes my.key and my.key.pub \
      modemsmith library export all.json --sign my.key   writes all.json and all.json.minisig
      """)

  @Argument(help: "The file to write.") var output: String
  @Option(name: .long, help: "Secret key file, without a password.") var sign: String?
  @Option(name: .long, help: "Name of the catalogue.") var name = "firmware catalogue"
  @Option(name: .long, help: "Write this file of the library as a .cab instead.")
  var cab: String?
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      if let cab {
        try shelf.writeCabinet(of: try shelf.entry(cab), to: output)
        say([output])
        return .ok
      }
      let catalogue = try shelf.catalogue(name: name)
      let bytes = try catalogue.encoded()
      guard let sign else {
        try SmallFiles.write(bytes, to: output)
        say([output])
        if !library.json { Output.error("Nobody can import it without a signature: --sign KEY.") }
        return .ok
      }
      let key = try Minisign.SecretKey(try SmallFiles.text(sign))
      let signature = try key.sign(
        bytes, comment: "timestamp:\(catalogue.made) file:\((output as NSString).lastPathComponent)"
      )
      try SmallFiles.write(bytes, to: output)
      try SmallFiles.write(Array(signature.utf8), to: output + ".minisig")
      say([output, output + ".minisig"])
      return .ok
    }
  }

  private func say(_ files: [String]) {
    if library.json {
      Output.json(
        .object([
          "event": .string("exported"), "files": .array(files.map { .string($0) }),
        ]))
    } else {
      Output.line("written: \(files.joined(separator: ", "))")
    }
  }
}

struct LibraryImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Takes over a signed catalogue, or the firmware of a cabinet (.cab).",
    discussion: "A catalogue counts only if it is signed by a key that you trust.")

  @Argument(help: "The catalogue or cabinet.") var file: String
  @Option(name: .long, help: "The signature (default: the file's name and .minisig).")
  var signature: String?
  @Option(name: .long, help: "Trust this public key from now on: a file, or its line of base64.")
  var key: String?
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      if try SmallFiles.bytes(file, limit: 3) == Array("MSCF".utf8) { return try cabinet(shelf) }
      if let key { try shelf.trust(try SmallFiles.publicKey(key)) }
      let bytes = try SmallFiles.bytes(file, limit: Catalogue.longest)
      let signature = try SmallFiles.text(signature ?? file + ".minisig")
      let summary = try shelf.take(bytes, signature: signature)
      if library.json {
        Output.json(
          .object([
            "event": .string("imported"), "signer": .string(summary.signer),
            "name": .string(summary.name), "comment": .string(summary.comment),
            "entries": .integer(summary.entries), "known_bad": .integer(summary.bad),
            "mine": .integer(summary.mine),
          ]))
      } else {
        Output.line("\(summary.name), signed by \(summary.signer): \(summary.comment)")
        Output.line(
          "\(summary.entries) files, \(summary.bad) marked as bad, \(summary.mine) of yours known")
      }
      return .ok
    }
  }

  private func cabinet(_ shelf: Library) throws(Trouble) -> SmithModel.ExitCode {
    let contents = try shelf.takeCabinet(file, reader: library.reader)
    if library.json {
      Output.json(
        .object([
          "event": .string("cabinet"), "id": .string(contents.info.id),
          "version": .text(contents.info.version),
          "files": .array(contents.files.map { .string($0) }),
        ]))
    } else {
      let name = contents.info.name.isEmpty ? contents.info.id : contents.info.name
      Output.line("\(name), version \(contents.info.version ?? "not named")")
      for file in contents.files { Output.line("added: \(file)") }
    }
    return .ok
  }
}

struct LibraryTrustCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Trusts a key for catalogues, or shows which are trusted.")

  @Argument(help: "Public key: a file, or its line of base64.") var key: String?
  @Option(name: .long, help: "Trust the key with this id no longer.") var remove: String?
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      if let key { try shelf.trust(try SmallFiles.publicKey(key)) }
      if let remove, try !shelf.distrust(remove.uppercased()) { return .nothingToDo }
      for key in try shelf.trustedKeys() {
        if library.json {
          Output.json(
            .object([
              "event": .string("key"), "id": .string(key.id), "key": .string(key.base64),
            ]))
        } else {
          Output.line("\(key.id)  \(key.base64)")
        }
      }
      return .ok
    }
  }
}

struct LibraryKeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Makes a key to sign catalogues with, in minisign's form.",
    discussion: "FILE gets the secret key, without a password: keep it to yourself. FILE.pub is "
      + "for everybody.")

  @Argument(help: "The file for the secret key.") var file: String
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let key = Minisign.SecretKey()
      try SmallFiles.write(Array(key.file.utf8), to: file, isSecret: true)
      try SmallFiles.write(Array(key.publicKey.file.utf8), to: file + ".pub")
      if library.json {
        Output.json(
          .object([
            "event": .string("key"), "id": .string(key.publicKey.id),
            "key": .string(key.publicKey.base64),
          ]))
      } else {
        Output.line("written: \(file) (secret), \(file).pub (\(key.publicKey.id))")
      }
      return .ok
    }
  }
}

/// Files that fit in memory.
enum SmallFiles {
  /// One byte more than `limit` of a longer file, which whoever reads them refuses.
  static func bytes(_ path: String, limit: Int) throws(Trouble) -> [UInt8] {
    guard FileManager.default.isReadableFile(atPath: path),
      let handle = FileHandle(forReadingAtPath: path)
    else {
      throw Trouble(
        "file.unreadable", "\(path) cannot be read.",
        advice: ["Check the path and that you may read the file."], exitCode: .badFile)
    }
    return (try? handle.read(upToCount: limit + 1)).map { [UInt8]($0) } ?? []
  }

  static func text(_ path: String) throws(Trouble) -> String {
    String(decoding: try bytes(path, limit: 65_536), as: UTF8.self)
  }

  /// A key file, or the key itself.
  static func publicKey(_ key: String) throws(Trouble) -> Minisign.PublicKey {
    let isFile = FileManager.default.fileExists(atPath: key)
    return try Minisign.PublicKey(isFile ? try text(key) : key)
  }

  /// Never over a file that is there.
  static func write(_ bytes: [UInt8], to path: String, isSecret: Bool = false) throws(Trouble) {
    let mode: mode_t = isSecret ? 0o600 : 0o644
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: descriptor >= 0)
    guard descriptor >= 0, (try? handle.write(contentsOf: Data(bytes))) != nil else {
      throw Trouble(
        "file.not-writable", "\(path) cannot be written (it may exist already).",
        advice: ["Choose another name."], exitCode: .usage)
    }
  }
}
