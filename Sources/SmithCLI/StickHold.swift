import Foundation
import SmithEngine
import SmithModel
import SmithPorts

extension StateDirectory {
  /// Takes the lock of one stick under every name that it has, and says so if other users cannot
  /// see all of it.
  ///
  /// - Throws: `lock.held`.
  func hold(_ place: Place, json: Bool) throws(Trouble) -> StickLock {
    let lock = try lock(place, alsoKnownAs: Self.otherNames(of: place))
    if let warning = lock.warning { TerminalOwner(json: json, yes: true).warn(warning) }
    return lock
  }

  /// The place on USB of a port that was named. The port's own name behind its links is no name of
  /// the stick: after a re-enumeration another stick may have it.
  private static func otherNames(of place: Place) -> [Place] {
    guard case .named(let path) = place, path.hasPrefix("/") else { return [] }
    let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let node = URL(fileURLWithPath: real).lastPathComponent
    let stick = ThisComputer.sticks().first { $0.ports.contains { $0.name == node } }
    return stick.map { [$0.place] } ?? []
  }
}

extension TerminalOwner {
  /// Keeps other programs away from a stick that is to be written to, waiting for ModemManager
  /// while it is still finding out what the stick is.
  ///
  /// - Throws: `port.modem-manager`.
  func manners(at place: Place, keepingNetwork: Bool = false) async throws(Trouble)
    -> StickManners
  {
    let manners = StickManners(place: place, keepsNetwork: keepingNetwork)
    let obstacle = await manners.settle {
      warn("ModemManager is finding out what the stick is; it is waited for.")
    }
    if let obstacle { throw obstacle }
    return manners
  }

  /// Does `work` on a stick while other programs are kept away from it; they get it back however
  /// the work ends.
  ///
  /// - Throws: `port.modem-manager`, and what `work` throws.
  func keepingAway<Answer>(
    from place: Place, keepingNetwork: Bool = false,
    _ work: (StickManners) async throws(Trouble) -> Answer
  ) async throws(Trouble) -> Answer {
    let manners = try await manners(at: place, keepingNetwork: keepingNetwork)
    defer { manners.end() }
    return try await work(manners)
  }
}
