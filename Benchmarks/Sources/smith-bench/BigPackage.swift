import Foundation
import SmithSimulators
import SmithTrials

/// A big firmware package in an installer's wrapper, made up for measuring.
enum BigPackage {
  static func write(to file: URL, mebibytes: Int) throws {
    guard let personality = HuaweiBalongStick.Personality.all.first else { return }
    var package = SamplePackage(for: personality)
    package.bytes = mebibytes << 20
    package.exe = true
    try Data(package.build()).write(to: file)
  }
}
