import SmithBytes
import SmithFormats

/// Puts packages together whose parts lie side by side in an archive or a folder: none of the
/// files alone is an image.
enum Gathering {
  /// What such a package is called inside an archive.
  private static let name = "qualcomm-nand"

  /// The packages among what was found, one for each folder that has a partition table.
  static func packages(in found: [Candidate]) -> [Candidate] {
    var places: [String] = []
    var groups: [String: [Candidate]] = [:]
    for candidate in found {
      guard case .other = candidate.content else { continue }
      let place = place(of: candidate)
      if groups[place] == nil { places.append(place) }
      groups[place, default: []].append(candidate)
    }
    return places.compactMap { package(groups[$0] ?? []) }
  }

  private static func package(_ group: [Candidate]) -> Candidate? {
    guard let first = group.first else { return nil }
    let files = group.map { (name: fileName(of: $0), bytes: $0.bytes) }
      .sorted { $0.name < $1.name }
    guard NANDPackage.isOne(files) else { return nil }
    let content: Candidate.Content
    do { content = .image(try ImageRegistry.recognise(folder: files)) } catch {
      content = .damaged(error)
    }
    // In a folder on the disk, the folder itself is what is opened again.
    let isFolder = first.inside.isEmpty
    let folder = parent(of: isFolder ? first.outer : first.inside.last ?? "")
    let inside =
      isFolder
      ? [] : first.inside.dropLast() + [folder.isEmpty ? name : "\(folder)/\(name)"]
    var package = Candidate(
      content: content, outer: isFolder ? folder : first.outer,
      label: isFolder ? parent(of: first.label) : first.label, inside: Array(inside),
      bytes: first.bytes, isInFolder: first.isInFolder)
    package.parts = files.map(\.bytes)
    return package
  }

  /// Archive and folder that a file lies in.
  private static func place(of candidate: Candidate) -> String {
    guard let last = candidate.inside.last else { return parent(of: candidate.outer) }
    return ([candidate.outer] + candidate.inside.dropLast()).joined(separator: "#") + "#"
      + parent(of: last)
  }

  private static func fileName(of candidate: Candidate) -> String {
    let path = candidate.inside.last ?? candidate.outer
    return path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }
}
