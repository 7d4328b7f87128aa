import SmithLink
import SmithVendors

/// A page that answers every request with the next piece of the input.
final class PlayedPage: WebLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private(set) var now: Duration = .zero

  init(_ bytes: [UInt8]) {
    pieces = bytes.split(separator: 0xff, omittingEmptySubsequences: true).map { [UInt8]($0) }
  }

  func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    guard !pieces.isEmpty else { throw .gone }
    now += .milliseconds(1)
    let body = pieces.removeFirst()
    let token = String(decoding: body.prefix(8), as: UTF8.self)
    return WebAnswer(
      status: 200, headers: [WebHeader("__RequestVerificationToken", token)], body: body)
  }
  func pause(_ duration: Duration) async { now += duration }
}

/// The XML reader alone, then identification and restoration over a page that says anything.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHiLink(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  _ = try? HiLinkXML.read(bytes)
  let box = Box {
    _ = try? await HiLinkIdentity.identify(over: HiLinkSession(PlayedPage(bytes)))
    var saved = DeviceSettings(profiles: [.init(id: 1, type: "IP", apn: "a")])
    saved.defaultProfile = 1
    _ = try? await HiLinkSettings.restore(saved, over: HiLinkSession(PlayedPage(bytes)))
  }
  _ = Task.immediate { await box.work() }
  return 0
}

final class Box: @unchecked Sendable {
  let work: () async -> Void
  init(_ work: @escaping () async -> Void) { self.work = work }
}
