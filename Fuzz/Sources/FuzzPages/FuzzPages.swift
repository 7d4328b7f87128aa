import SmithBytes
import SmithLink
import SmithVendors

/// A page that answers every request with the next piece of the input.
final class PlayedPage: WebLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private(set) var now: Duration = .zero

  init(_ bytes: ArraySlice<UInt8>) {
    pieces = bytes.split(separator: 0xff).map { [UInt8]($0) }
  }

  func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    precondition(request.path.hasPrefix("/"), "a request to nowhere")
    for header in request.headers {
      precondition(
        (header.name + header.value).utf8.allSatisfy { (0x20...0x7e).contains($0) },
        "an answer broke into a header line")
    }
    now += .milliseconds(10)
    guard !pieces.isEmpty else { throw .gone }
    var body = pieces.removeFirst()
    let status = body.first == 0x21 ? 302 : 200
    if body.first == 0x21 { body.removeFirst() }
    return WebAnswer(status: status, body: Array(body.prefix(request.answerLimit)))
  }
  func pause(_ duration: Duration) async { now += duration }
}

final class NoWitness: PageWitness {
  func sent(_ bytes: Int) async {}
}

/// JSON and whole conversations with pages: nothing traps, everything ends.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPages(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  if choice % 4 == 0 {
    _ = PageValue([UInt8](bytes.dropFirst()))
    return 0
  }
  let link = PlayedPage(bytes.dropFirst())
  Task.immediate {
    let page: any StickPage =
      choice % 4 == 1
      ? ZTEPage(link, host: "192.168.0.1") : AlcatelPage(link, host: "192.168.1.1")
    _ = try? await page.identify()
    _ = try? await page.login("admin")
    _ = try? await page.settings()
    _ = try? await page.settingsFile()
    _ = try? await page.check()
    _ = try? await page.loading()
    if let place = try? await page.uploadPlace() {
      _ = try? await page.upload(SharedBytes([1]), named: "x", to: place, NoWitness())
    }
  }
  precondition(link.now < .seconds(7200), "a wait without a bound")
  return 0
}
