public import SmithLink
public import SmithModel
import SmithProtocols

/// Into a ZTE stick's download mode and back out of it (Docs/Protocols/zte-at.md section 8).
///
/// Only memory is touched on either way: a stick that is taken back, or pulled out, starts its
/// firmware as before. Which USB id it shows in between is inference, so the port's role is asked
/// for and not the id.
public enum ZTEDownload {
  /// Sends a running stick into download mode by its diagnostic port.
  ///
  /// - Returns: the port on which download mode answered.
  /// - Throws: a trouble; the stick is in download mode or not, and `leave` or a replug is the
  ///   way back.
  public static func enter(at place: Place, on bus: any Bus) async throws(Trouble) -> Port {
    let diag: any ByteLink
    do throws(BusError) {
      let port = try await bus.port(at: place, as: .diag, within: .seconds(5))
      do { diag = try await bus.open(port) } catch { throw BusError.broken("\(error)") }
    } catch { throw error.trouble }
    do throws(DiagError) { try await DiagSession(diag).enterDownload() } catch {
      await diag.close()
      throw error.trouble
    }
    await diag.close()
    return try await answering(at: place, on: bus)
  }

  /// Sends a stick that waits, unwritten, back into its firmware.
  public static func leave(at place: Place, on bus: any Bus) async throws(Trouble) {
    let port = try await answering(at: place, on: bus)
    do {
      let link = try await bus.open(port)
      try? await DLOADSession(link).reset()
      await link.close()
    } catch { throw error.trouble }
    // A port alone proves nothing: download mode may still be leaving the bus.
    let end = bus.now + .seconds(60)
    repeat {
      await bus.pause(.seconds(3))
      if await isRunning(at: place, on: bus) { return }
    } while bus.now < end
    throw BusError.absent(place, .diag).trouble
  }

  private static func isRunning(at place: Place, on bus: any Bus) async -> Bool {
    guard let port = try? await bus.port(at: place, as: .diag, within: .seconds(3)),
      let link = try? await bus.open(port)
    else { return false }
    let version = try? await DiagSession(link).version()
    await link.close()
    return version != nil
  }

  private static func answering(at place: Place, on bus: any Bus) async throws(Trouble) -> Port {
    do throws(BusError) {
      let port = try await bus.port(at: place, as: .download, within: .seconds(60))
      guard let link = try? await bus.open(port) else { throw .absent(place, .download) }
      let answers = (try? await DLOADSession(link).knock()) != nil
      await link.close()
      guard answers else { throw .absent(place, .download) }
      return port
    } catch { throw error.trouble }
  }
}
