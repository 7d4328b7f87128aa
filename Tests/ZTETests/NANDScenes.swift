import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

/// Packages and trials of whole updates over DLOAD and streaming.
enum NANDScene {
  static func files(_ change: (inout ZTESample) -> Void = { _ in })
    -> [(name: String, bytes: SharedBytes)]
  {
    var sample = ZTESample()
    change(&sample)
    return sample.files().map { ($0.name, SharedBytes($0.bytes)) }.sorted { $0.name < $1.name }
  }

  static func image(_ change: (inout ZTESample) -> Void = { _ in }) throws -> CheckedImage {
    let files = files(change)
    return try CheckedImage(
      image: ImageRegistry.recognise(folder: files), path: "/files/package",
      parts: files.map(\.bytes))
  }

  static func trial(
    _ stick: ZTESerialStick = ZTESerialStick(), _ change: (inout ZTESample) -> Void = { _ in }
  ) throws -> Trial<ZTESerialStick> {
    var trial = Trial(stick, try image(change))
    trial.policy.experimental = true
    return trial
  }

  static let new = "BD_O2MF667V1.0.0B04"
  static let old = "BD_O2MF667V1.0.0B03"
}

/// A real file; where it is absent, the test is skipped.
func realFile(_ name: String) throws -> SharedBytes {
  guard let file = RealFile.named(name) else { try Test.cancel("\(name) is not here") }
  return file
}
