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

  /// Reads and verifies an image that lies in a folder as several files.
  ///
  /// - Parameter files: names and contents, sorted by name.
  /// - Throws: ``ImageError``.
  public static func recognise(
    folder files: [(name: String, bytes: SharedBytes)]
  ) throws(ImageError) -> FirmwareImage {
    if NANDPackage.isOne(files) { return try NANDPackage.read(files) }
    return try BalongImage.read(folder: files)
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
