import SmithLink
import SmithModel

extension Bus {
  /// Opens the port on which a stick that was sent away comes back, the moment it is there; a port
  /// that does not open yet is tried again.
  func openDownload(at place: Place, within limit: Duration) async throws(Trouble) -> any ByteLink {
    let deadline = now + limit
    var refusal: Trouble?
    while deadline - now > .zero {
      do {
        let port = try await port(at: place, as: .download, within: deadline - now)
        return try await open(port)
      } catch let error as LinkError {
        refusal = error.trouble
      } catch let error as BusError {
        throw error.trouble
      } catch {}
      await pause(.milliseconds(100))
    }
    throw refusal ?? BusError.absent(place, .download).trouble
  }
}
