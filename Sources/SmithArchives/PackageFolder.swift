import SmithBytes
import SmithFormats

/// Folders whose files make one firmware together: found by a description among them, whatever
/// archive they are in (Docs/Protocols/rawprogram.md section 5).
enum PackageFolder {
  /// The folder of an entry's name, without its last slash; empty at the top.
  static func folder(of name: String) -> String {
    guard let slash = name.lastIndex(of: "/") else { return "" }
    return String(name[..<slash])
  }

  /// An entry's name without its folder.
  static func file(of name: String) -> String {
    name.split(separator: "/").last.map(String.init) ?? name
  }

  /// Whether this file makes its folder a package.
  static func isDescription(_ name: String) -> Bool {
    RawProgramPackage.isOne(CollectionOfOne(file(of: name)))
      || GobiPackage.isMark(file(of: name))
  }

  /// What the files are together, and those of them that count.
  static func content(_ files: [RawProgramPackage.File]) -> (Candidate.Content, [SharedBytes]) {
    do throws(ImageError) {
      let image = try ImageRegistry.recognise(folder: files)
      return (.image(image), image.parts ?? files.map(\.bytes))
    } catch {
      return (.damaged(error), [])
    }
  }

  /// What a package at the top of an archive is called.
  static func name(_ files: [RawProgramPackage.File]) -> String {
    RawProgramPackage.isOne(files.lazy.map(\.name)) ? "rawprogram" : "gobi-2000"
  }
}
