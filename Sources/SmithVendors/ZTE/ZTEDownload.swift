public import SmithLink
public import SmithModel
import SmithProtocols

/// Into a ZTE stick's download mode and back out of it (Docs/Protocols/zte-at.md section 8).
///
/// Only memory is touched on either way: a stick that is taken back, or pulled out, starts its
/// firmware as before. Which USB id it shows in between is inference, so what answers on the port
/// is asked for and not the id.
public enum ZTEDownload {
  /// Sends a running stick into download mode by its diagnostic port.
  ///
  /// - Returns: the port on which download mode answered.
  /// - Throws: a trouble; the stick is in download mode or not, and `leave` or a replug is the
  ///   way back.
  public static func enter(at place: Place, on bus: any Bus) async throws(Trouble) -> Port {
    _ = try await version(at: place, on: bus)
    await (try await enterDownload(at: place, on: bus)).close()
    do { return try await bus.port(at: place, as: .download, within: .seconds(5)) } catch {
      throw error.trouble
    }
  }

  /// Sends a stick that waits, unwritten, back into its firmware.
  public static func leave(at place: Place, on bus: any Bus) async throws(Trouble) {
    guard let link = await waiting(at: place, on: bus, within: .seconds(30)) else {
      throw notWaiting
    }
    let isLoader = (try? await QualcommPhase.probe(link)) == .loader
    do throws(Trouble) {
      try await ZTEStreaming().leave(over: link, from: isLoader ? .streaming : .dload)
    } catch {
      await link.close()
      throw error
    }
    await link.close()
    // A port alone proves nothing: download mode may still be leaving the bus.
    let end = bus.now + .seconds(60)
    repeat {
      await bus.pause(.seconds(3))
      if await isRunning(at: place, on: bus) { return }
    } while bus.now < end
    throw Self.staysWaiting
  }

  /// What the firmware's DIAG says of itself; also the proof that the port is a diagnostic one.
  static func version(at place: Place, on bus: any Bus) async throws(Trouble) -> DiagVersion {
    guard let port = try? await bus.port(at: place, as: .diag, within: .seconds(5)) else {
      throw noDiagPort
    }
    let link: any ByteLink
    do { link = try await bus.open(port) } catch { throw error.trouble }
    let version = try? await DiagSession(link).version()
    await link.close()
    guard let version else { throw noDiagPort }
    return version
  }

  /// Sends the switch until DLOAD answers; sending it again to a firmware that did not hear it
  /// changes nothing.
  ///
  /// - Parameter witness: knows the unit; a port that leads to another one is told nothing.
  /// - Returns: an open link to DLOAD.
  static func enterDownload(
    at place: Place, on bus: any Bus, watched witness: (any FlashWitness)? = nil
  ) async throws(Trouble) -> any ByteLink {
    for _ in 0..<3 {
      if let port = try? await bus.port(at: place, as: .diag, within: .seconds(1)),
        let link = try? await bus.open(port)
      {
        let session = DiagSession(link)
        if let witness, await witness.recognises(await session.identity()) == false {
          await link.close()
          throw .diagOfAnother()
        }
        // What answers there may be DLOAD already, which takes the switch for a question.
        try? await session.enterDownload()
        await link.close()
      }
      if let link = await waiting(at: place, on: bus, within: .seconds(20)) { return link }
    }
    throw noDownload
  }

  /// Waits until DLOAD or a loader answers on the download port.
  static func waiting(at place: Place, on bus: any Bus, within limit: Duration) async
    -> (any ByteLink)?
  {
    let end = bus.now + limit
    repeat {
      if let port = try? await bus.port(at: place, as: .download, within: .seconds(2)),
        let link = try? await bus.open(port)
      {
        switch try? await QualcommPhase.probe(link) {
        case .download, .loader: return link
        default: await link.close()
        }
      }
      await bus.pause(.milliseconds(500))
    } while bus.now < end
    return nil
  }

  private static func isRunning(at place: Place, on bus: any Bus) async -> Bool {
    for role in [PortRole.diag, .at] {
      guard let port = try? await bus.port(at: place, as: role, within: .seconds(3)),
        let link = try? await bus.open(port)
      else { continue }
      let runs: Bool
      if role == .diag {
        runs = (try? await DiagSession(link).version()) != nil
      } else {
        runs = (try? await ZTEStreaming().state(over: link)) == .normal
      }
      await link.close()
      if runs { return true }
    }
    return false
  }

  static let noDiagPort = Trouble(
    "zte.no-diag-port", "The stick shows no diagnostic port, or none is named.",
    facts: ["download mode is entered through that port; nothing was sent that changes anything"],
    advice: [
      "Name it: `--diag-port PATH` beside `--port` (usually the stick's first serial port).",
      "A stick that shows a network card instead: `modemsmith zte service-on --web URL --yes`.",
    ], exitCode: .refused)

  private static let noDownload = Trouble(
    "zte.no-download-mode",
    "The stick was told to enter download mode, and it does not answer there.",
    advice: [
      "Unplug it, wait five seconds, plug it in again: it still has its firmware.",
      "If it shows a new port, name it with `--download-port PATH`.",
    ], aftermath: .stillBoots, exitCode: .stillWorks)

  private static let notWaiting = Trouble(
    "zte.not-in-download", "Nothing answers as download mode does.",
    advice: ["`modemsmith info` says what the stick is doing; a replug never harms it now."],
    exitCode: .nothingToDo)

  private static let staysWaiting = Trouble(
    "zte.stays-in-download", "The stick was told to start its firmware, and it does not.",
    facts: ["a stick whose update was interrupted waits in download mode by itself"],
    advice: ["Run `modemsmith resume`, or update it with `--force product-unknown`."],
    aftermath: .needsRescue, exitCode: .needsRescue)
}
