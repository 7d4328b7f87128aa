import Foundation
import SmithBytes
import SmithFormats
import SmithModel
import SmithTrials
import Testing

@testable import SmithLibrary

@Suite("A folder whose files are one image") struct PackageFolderTests {
  /// The three files of a Gobi 2000 in a folder, and another image below it.
  private static func scene() throws -> (scene: Scene, folder: String) {
    let scene = try Scene()
    for file in SierraSample.gobi(version: "D3200-STSUGN-1580", bytes: 40_000, seed: 3) {
      try scene.write("gobi/\(file.name)", file.bytes.bytes())
    }
    try scene.package("gobi/more/one.bin")
    return (scene, "\(scene.folder)/in/gobi")
  }

  @Test("is one entry of the library, and what lies deeper is another") func add() throws {
    let (scene, folder) = try Self.scene()
    let library = try scene.library()
    let heard = Heard<AddEvent>()
    let summary = try library.add(["\(scene.folder)/in"], hear: { heard.add($0) })
    #expect(summary.added == 2 && summary.skipped == 0, "\(heard.all)")
    guard case .progress(let last)? = heard.all.last else {
      Issue.record("no progress")
      return
    }
    #expect(last.files == 2 && last.bytes == last.totalBytes)
    let entry = try #require(try library.entries().first { $0.images[0].format == "gobi-2000" })
    #expect(entry.places.map(\.path) == [folder])
    #expect(entry.images[0].claims.firmware?.text == "D3200-STSUGN-1580")
    // The same when the folder itself is named.
    #expect(try library.add([folder]).unchanged == 2)
  }

  @Test("is looked at again when one of its files changes, and checked as one") func changed()
    throws
  {
    let (scene, folder) = try Self.scene()
    let library = try scene.library()
    _ = try library.add([folder])
    func states() throws -> [String: PlaceCheck.State] {
      var found: [String: PlaceCheck.State] = [:]
      try library.verify { found[$0.path] = $0.state }
      return found
    }
    #expect(try states()[folder] == .good)
    var bytes = try #require(FileManager.default.contents(atPath: "\(folder)/apps.mbn"))
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: URL(fileURLWithPath: "\(folder)/apps.mbn"))
    #expect(try states()[folder] == .changed)
    #expect(try library.add([folder]).added == 1)
    #expect(try states()[folder] == .good)
  }

  @Test("is copied as one, and skipped with its reason if a file is missing") func copies() throws {
    let (scene, folder) = try Self.scene()
    let library = try scene.library()
    var options = AddOptions()
    options.copies = true
    #expect(try library.add([folder], options: options).added == 2)
    let entry = try #require(try library.entries().first { $0.images[0].format == "gobi-2000" })
    let copy = try #require(entry.places.first { $0.isCopy }?.path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: copy).count == 3)
    try FileManager.default.removeItem(atPath: "\(folder)/amss.mbn")
    let heard = Heard<AddEvent>()
    #expect(try library.add([folder], hear: { heard.add($0) }).skipped == 1)
    #expect(
      heard.all.contains {
        guard case .skipped(folder, let reason) = $0 else { return false }
        return reason.contains("amss.mbn is missing")
      })
    var states: [PlaceCheck.State] = []
    try library.verify { if $0.path == copy { states.append($0.state) } }
    #expect(states == [.good])
  }
}
