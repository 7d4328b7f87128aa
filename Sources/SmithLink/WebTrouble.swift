public import SmithModel

extension WebError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .absent:
      Trouble(
        "web.absent", "Nothing answers at the address of the stick's page.",
        advice: [
          "Wait until the network of the stick is up (about 30 seconds), then try again.",
          "Open the address in a browser; if another one works, name it with --web URL.",
        ], exitCode: .noStick)
    case .silent:
      Trouble(
        "web.silent", "The stick's page took the request and did not answer in time.",
        advice: [
          "Run `modemsmith info` with the same --web address: it shows what the stick is now.",
          "Unplug the stick, wait five seconds, plug it in again.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .gone:
      Trouble(
        "web.gone", "The connection to the stick's page broke before the answer was complete.",
        advice: [
          "Run `modemsmith info` with the same --web address: it shows what the stick is now.",
          "If it broke again and again, plug the stick straight into the computer.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .tooLong(let limit):
      Trouble(
        "web.too-long", "The page's answer is longer than the \(limit) bytes that belong there.",
        advice: [
          "Check that the address is the stick's own: open it in a browser.",
          "Restart the stick and try again.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .garbled:
      Trouble(
        "web.garbled", "What answers at that address does not speak HTTP as pages do.",
        advice: [
          "Check the address and the port number after the colon.",
          "Restart the stick and try again.",
        ], aftermath: .unknown, exitCode: .unknown)
    case .broken(let reason):
      Trouble(
        "web.broken", "The system could not make the web request: \(reason).",
        advice: ["Check the address: it is written like http://192.168.8.1."],
        aftermath: .unknown, exitCode: .noStick)
    }
  }
}
