import ArgumentParser
import SmithModel
import SmithSimulators

/// How the lock of a simulated stick stands when it leaves the factory.
struct LockSwitches: ParsableArguments {
  @Flag(name: .long, help: "A stick that is locked to its operator.") var locked = false
  @Option(name: .long, help: "The code that opens it (default: none does).")
  var unlockCode: String?
  @Option(name: .long, help: "Tries that are left for the code (default: the model's, often 10).")
  var tries: Int?
  @Flag(name: .long, help: "The code opens it only until the power goes.")
  var unlockForgets = false
  @Option(name: .long, help: "Its identity number, fifteen digits.") var imei: String?

  func apply(to options: inout HuaweiBalongStick.Options) {
    options.locked = locked
    options.unlockCode = unlockCode
    options.tries = max(0, min(tries ?? 10, 10))
    options.unlocksUntilPowerOff = unlockForgets
  }

  func apply(to options: inout HuaweiQualcommStick.Options) {
    options.locked = options.locked || locked
    options.unlockCode = unlockCode
    options.tries = max(0, min(tries ?? options.tries, 10))
    options.unlocksUntilPowerOff = unlockForgets
    options.imei = imei ?? options.imei
  }
}
