public import SmithBytes

/// Finds the reader for a file by what is in it, never by its name.
public enum ImageRegistry {
  /// Reads and verifies an image of any known format.
  ///
  /// - Throws: ``ImageError``; a file of another kind is named for what it is.
  public static func recognise(
    _ file: SharedBytes, limits: ImageLimits = .standard
  ) throws(ImageError) -> FirmwareImage {
    if ForeignFile.recognise(file)?.kind == .sierra {
      do { return FirmwareImage([try SierraImage.read(file)]) } catch { throw .sierra(error) }
    }
    do throws(ImageError) {
      return try BalongImage.read(file, limits: limits)
    } catch .foreign(let foreign) where foreign.kind == .windowsProgram {
      guard let updater = HuaweiUpdater.read(file) else { throw .foreign(foreign) }
      return updater
    }
  }

  /// Reads and verifies a folder of parts of any known format.
  ///
  /// - Parameter files: names and bytes of its regular files, in any order.
  /// - Throws: ``ImageError``.
  public static func recognise(
    folder files: [(name: String, bytes: SharedBytes)], limits: ImageLimits = .standard
  ) throws(ImageError) -> FirmwareImage {
    if RawProgramPackage.isOne(files.lazy.map(\.name)) {
      do { return try RawProgramPackage.read(files) } catch { throw .rawProgram(error) }
    }
    // Asked second: a package of the other kind may bring a partition table, too.
    if NANDPackage.isOne(files) { return try NANDPackage.read(files) }
    // Asked third: it gives way to a partition table.
    if GobiPackage.isOne(files) { return try GobiPackage.read(files, limits: limits) }
    return try BalongImage.read(folder: files, limits: limits)
  }

  /// Throws for files that hold nothing or are recognised as something else.
  static func refuseForeign(_ file: SharedBytes) throws(ImageError) {
    guard !file.isEmpty else { throw .empty }
    let first = file.bytes(0..<1)
    if let byte = first.first, byte == 0xff || byte == 0,
      ByteSearch.run(of: byte, in: file, from: 0) == file.count
    {
      throw .blank(byte: byte, count: file.count)
    }
    if let foreign = ForeignFile.recognise(file) { throw .foreign(foreign) }
  }
}
