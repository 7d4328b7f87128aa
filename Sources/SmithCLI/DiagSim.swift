import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

/// Simulated sticks of which DIAG is all that answers.
enum DiagSim {
  static let names = ["qualcomm-nand"]

  /// Serves the model's ports until it is interrupted; false for other models.
  static func serve(_ name: String, firmware: String?, link: String, speed: Double)
    async throws(Trouble) -> Bool
  {
    guard names.contains(name) else { return false }
    let stick = QualcommBody(version: firmware ?? "BD_SIMV1.0.0B01")
    let server = PTYServer(stick, link: link, speed: max(0.01, speed)) { event in
      switch event {
      case .published(let link, _, let role): Output.line("published \(link) \(role.rawValue)")
      case .withdrawn(let link): Output.line("withdrawn \(link)")
      }
    }
    Output.error("\(name) on \(link); Ctrl-C pulls the plug")
    do throws(LinkError) { try await server.run() } catch { throw error.trouble }
    return true
  }
}
