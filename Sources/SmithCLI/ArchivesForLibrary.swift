import SmithArchives
import SmithEngine
import SmithLibrary
import SmithModel

extension LibraryOptions {
  /// Finds images in files, and in the archives that files turn out to be.
  var reader: ImageReader {
    ImageReaders.plain { path throws(Trouble) in
      var found: [FoundImage] = []
      for candidate in try FirmwareFile(path).findings().candidates {
        guard let image = candidate.image, !candidate.inside.isEmpty else { continue }
        let sum = try FirmwareFile.checked(candidate).sha256
        found.append(
          FoundImage(image, inside: candidate.inside.joined(separator: "#"), sha256: sum))
      }
      return found
    }
  }
}
