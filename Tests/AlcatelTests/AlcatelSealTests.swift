import SmithBytes
import SmithLink
import SmithModel
import Synchronization
import Testing

@testable import SmithVendors

@Suite("The sealed pages of Alcatel") struct AlcatelSealTests {
  @Test("Seal and secret are those of openssl and of Python's hashlib") func vectors() throws {
    let seal = AlcatelSeal(passphrase: AlcatelSeal.first)
    let text = "{\"UserName\":\"dc13ibej?7\"}"
    // openssl enc -aes-256-cbc -md md5 -k TCT@MiFiRouter -S 0102030405060708
    let made = try seal.sealed(text, salt: [1, 2, 3, 4, 5, 6, 7, 8])
    let known = try #require(
      [UInt8](
        hex: "53616c7465645f5f0102030405060708"
          + "e2882ff3e0daf21df7509c224d86b3cf6449be5d64db7c79e7a8f1c1e6079fdd"))
    #expect(PageBase64.decoded(made) == known)
    #expect(seal.opened(made) == Array(text.utf8))
    #expect(
      try AlcatelSeal.secret("admin", salt: "00112233")
        == "96e1069ce8ae9f88bbc419875435542cf4a897254df1b5cfff8a23cf85967899"
        + "f0eb5aaffac46d57a9905a2e75121983bae8af92cd7b4d93c7d46b7bef1c93d3")
    #expect(AlcatelSeal.afterLogin("a" + String(repeating: "b", count: 127)).passphrase.last == "b")
  }

  @Test(
    "What is no seal is nothing",
    arguments: ["", "=", "abc", "U2FsdGVkX18=", "!!!!", "U2FsdGVkX18BAgMEBQYHCOKIL/Pg2vId91CcIk2G"])
  func broken(text: String) {
    #expect(AlcatelSeal(passphrase: "x").opened(text) == nil)
  }

  @Test("A page that wants everything wrapped is found, entered and read") func page()
    async throws
  {
    let link = try SealedPage(password: "secret")
    let (page, report) = try await StickPages.find(link, host: "192.168.0.1")
    #expect(report.model == "HH515" && report.firmware?.text == "HH515_01")
    await #expect(throws: PageError.passwordWrong(triesLeft: 4)) { try await page.login("guess") }
    try await page.login("secret")
    #expect(try await page.settings().profiles?.first?.apn == "internet")
    #expect(link.plainWords.isEmpty)
  }
}

/// A page that takes and gives wrapped JSON only; the other side of the seal.
private final class SealedPage: WebLink {
  private struct State {
    var tries = 5
    var isOpen = false
    var now = Duration.zero
    var plainWords: [String] = []
  }

  private let secret: String
  private let state = Mutex(State())

  init(password: String) throws(PageError) {
    secret = try AlcatelSeal.secret(password, salt: "5a17")
  }

  var now: Duration { state.withLock { $0.now } }
  /// Passwords that came as they are.
  var plainWords: [String] { state.withLock { $0.plainWords } }

  func pause(_ duration: Duration) async { state.withLock { $0.now += duration } }

  func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    guard request.path.hasPrefix("/jrd/webapi") else { return WebAnswer(status: 404) }
    let text = String(decoding: request.body.flatMap { $0.bytes() }, as: UTF8.self)
    return state.withLock { state in
      if text.contains("secret") { state.plainWords.append(text) }
      let seal =
        state.isOpen ? AlcatelSeal.afterLogin(secret) : AlcatelSeal(passphrase: AlcatelSeal.first)
      guard let value = PageValue(Array(text.utf8)), let method = value["method"]?.string,
        case .text(let wrapped)? = value["params"], let bytes = seal.opened(wrapped),
        let parameters = PageValue(bytes)
      else { return Self.answer("{\"error\":{\"code\":\"-32602\"}}") }
      guard let result = result(method, parameters, &state) else {
        return Self.answer("{\"error\":{\"code\":\"010101\"}}")
      }
      let sealed = (try? seal.sealed(result)) ?? ""
      return Self.answer("{\"result\":\"\(sealed)\"}")
    }
  }

  private func result(_ method: String, _ parameters: PageValue, _ state: inout State) -> String? {
    switch method {
    case "GetSystemInfo": return "{\"SwVersion\":\"HH515_01\",\"DeviceName\":\"HH515\"}"
    case "GetSystemStatus": return "{\"NetworkName\":\"Simulated\"}"
    case "GetLoginState": return "{\"State\":0,\"LoginRemainingTimes\":\(state.tries)}"
    case "GetDeviceSt": return "{\"Salt\":\"5a17\"}"
    case "Login":
      guard parameters["UserName"]?.string == "dc13ibej?7",
        parameters["Password"]?.string == secret
      else {
        state.tries -= 1
        return nil
      }
      state.isOpen = true
      return "{\"token\":4711}"
    case "GetProfileList" where state.isOpen:
      return "{\"ProfileList\":[{\"ProfileID\":1,\"ProfileName\":\"p\",\"APN\":\"internet\","
        + "\"PdpType\":0}]}"
    default: return nil
    }
  }

  private static func answer(_ text: String) -> WebAnswer {
    WebAnswer(status: 200, body: Array(text.utf8))
  }
}
