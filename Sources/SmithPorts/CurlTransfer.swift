import CCurl
import Glibc
import SmithBytes
import SmithLink

/// One request while libcurl works on it; lives on one thread.
final class CurlTransfer {
  private static let headLimit = 65_536

  private let request: WebRequest
  private let sent: (Int) -> Void
  private let size: Int
  /// What is left of the body, front first.
  private var waiting: ArraySlice<SharedBytes>
  private var inFirst = 0
  private var done = 0
  private var answer = WebAnswer(status: 0)
  private var headSize = 0
  /// Why a callback of ours ended the transfer.
  private var stopped: WebError?

  init(_ request: WebRequest, sent: @escaping (Int) -> Void) {
    self.request = request
    self.sent = sent
    size = request.bodySize
    waiting = request.body[...]
  }

  /// Does it, blocking.
  func perform(
    to address: WebAddress, over card: String?, within limit: Duration, connecting: Duration
  ) -> Result<WebAnswer, WebError> {
    guard let curl = unsafe curl_easy_init() else {
      return .failure(.broken("libcurl gives no handle"))
    }
    defer { unsafe curl_easy_cleanup(curl) }
    var lines: UnsafeMutablePointer<curl_slist>?
    defer { unsafe curl_slist_free_all(lines) }
    // An empty Expect takes away the pause for a "100 Continue" that no stick ever sends.
    for line in request.headers.map({ $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    )
      + ["Expect:"]
    {
      guard let longer = unsafe curl_slist_append(lines, line) else {
        return .failure(.broken("no memory for the headers"))
      }
      unsafe lines = longer
    }
    var words = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
    return unsafe words.withUnsafeMutableBufferPointer { words in
      let results = unsafe [
        setAddress(curl, address), setCard(curl, card), setLimits(curl, limit, connecting),
        setCallbacks(curl),
        setPointer(curl, CURLOPT_HTTPHEADER, lines),
        setPointer(curl, CURLOPT_ERRORBUFFER, words.baseAddress),
      ]
      guard results.allSatisfy({ $0 }) else {
        return .failure(.broken("this libcurl is too old or was built without HTTP"))
      }
      let code = withExtendedLifetime(self) { unsafe curl_easy_perform(curl) }
      if code == CURLE_OK {
        var status = 0
        _ = unsafe smith_curl_get_long(curl, CURLINFO_RESPONSE_CODE, &status)
        answer.status = status
        return .success(answer)
      }
      var requestSize = 0
      _ = unsafe smith_curl_get_long(curl, CURLINFO_REQUEST_SIZE, &requestSize)
      let text = unsafe words.baseAddress.map { unsafe String(cString: $0) } ?? ""
      return .failure(error(code, nothingWasSent: requestSize == 0, text))
    }
  }

  private func setAddress(_ curl: UnsafeMutableRawPointer, _ address: WebAddress) -> Bool {
    let url = "http://\(address.host):\(address.port)\(request.path)"
    return unsafe setText(curl, CURLOPT_URL, url)
      && setText(curl, CURLOPT_PROTOCOLS_STR, "http")
      && setText(curl, CURLOPT_NOPROXY, "*")
      && setText(curl, CURLOPT_PROXY, "")
      && setLong(curl, CURLOPT_PATH_AS_IS, 1)
      && setLong(curl, CURLOPT_FOLLOWLOCATION, 0)
      && setLong(curl, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
      && setLong(curl, CURLOPT_HTTP09_ALLOWED, 0)
      // libcurl sends a request again when a kept connection turns out dead; a fresh one it
      // never does, and a switch of mode must not happen twice.
      && setLong(curl, CURLOPT_FRESH_CONNECT, 1)
      && setLong(curl, CURLOPT_FORBID_REUSE, 1)
  }

  /// Binds to a card by its name: to the device where the system allows it, else to its address.
  private func setCard(_ curl: UnsafeMutableRawPointer, _ card: String?) -> Bool {
    guard let card else { return true }
    return unsafe setText(curl, CURLOPT_INTERFACE, "if!\(card)")
  }

  private func setLimits(
    _ curl: UnsafeMutableRawPointer, _ limit: Duration, _ connecting: Duration
  ) -> Bool {
    unsafe setLong(curl, CURLOPT_NOSIGNAL, 1)
      && setLong(curl, CURLOPT_TIMEOUT_MS, Self.milliseconds(limit))
      && setLong(curl, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(connecting))
  }

  private func setCallbacks(_ curl: UnsafeMutableRawPointer) -> Bool {
    let me = unsafe Unmanaged.passUnretained(self).toOpaque()
    var good =
      unsafe setPointer(curl, CURLOPT_HEADERDATA, me)
      && setPointer(curl, CURLOPT_WRITEDATA, me)
      && setPointer(curl, CURLOPT_READDATA, me)
    good =
      unsafe good
      && smith_curl_set_write(curl, CURLOPT_HEADERFUNCTION) { bytes, one, count, me in
        unsafe CurlTransfer.of(me).takeHeader(bytes, one * count)
      } == CURLE_OK
    good =
      unsafe good
      && smith_curl_set_write(curl, CURLOPT_WRITEFUNCTION) { bytes, one, count, me in
        unsafe CurlTransfer.of(me).takeBody(bytes, one * count)
      } == CURLE_OK
    good =
      unsafe good
      && smith_curl_set_write(curl, CURLOPT_READFUNCTION) { bytes, one, count, me in
        unsafe CurlTransfer.of(me).give(bytes, one * count)
      } == CURLE_OK
    if request.method != "GET" {
      good =
        unsafe good && setLong(curl, CURLOPT_POST, 1)
        && setText(curl, CURLOPT_CUSTOMREQUEST, request.method)
        && smith_curl_set_size(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(size)) == CURLE_OK
    }
    return good
  }

  private func takeHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
    headSize += count
    guard headSize <= Self.headLimit else { return stop(.garbled) }
    let raw = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
    var line = unsafe String(decoding: raw, as: UTF8.self)
    while line.last?.isWhitespace == true { line.removeLast() }
    if line.lowercased().hasPrefix("http/") {
      // A later status line follows an interim answer.
      answer.headers = []
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].drop { $0.isWhitespace }
      answer.headers.append(WebHeader(String(line[..<colon]), String(value)))
    }
    return count
  }

  private func takeBody(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
    guard count <= request.answerLimit - answer.body.count else {
      return stop(.tooLong(limit: request.answerLimit))
    }
    unsafe answer.body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    return count
  }

  /// Gives the next bytes of the body; a file that is cut short or overwritten meanwhile is an
  /// error.
  private func give(_ room: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
    while let first = waiting.first {
      let step = min(count, first.count - inFirst)
      guard step > 0 else {
        waiting.removeFirst()
        inFirst = 0
        continue
      }
      let piece = first.intact(inFirst..<(inFirst + step))
      guard piece.count == step else {
        _ = stop(.broken("the file changed while it was sent"))
        return Int(CURL_READFUNC_ABORT)
      }
      unsafe UnsafeMutableRawBufferPointer(start: room, count: count).copyBytes(from: piece)
      inFirst += step
      done += step
      sent(done)
      return step
    }
    return 0
  }

  private func stop(_ error: WebError) -> Int {
    stopped = error
    return 0
  }

  private func error(_ code: CURLcode, nothingWasSent: Bool, _ text: String) -> WebError {
    if let stopped { return stopped }
    switch code {
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_INTERFACE_FAILED: return .absent
    case CURLE_OPERATION_TIMEDOUT: return nothingWasSent ? .absent : .silent
    case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR: return .gone
    // libcurl has one code for a broken connection and for nonsense between chunks.
    case CURLE_RECV_ERROR: return text.contains("chunk") ? .garbled : .gone
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      return .garbled
    default:
      let words = text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
      return .broken(words)
    }
  }

  private static func of(_ me: UnsafeMutableRawPointer?) -> CurlTransfer {
    // libcurl hands back the pointer that `setCallbacks` gave it, while `perform` holds us.
    unsafe Unmanaged<CurlTransfer>.fromOpaque(me.unsafelyUnwrapped).takeUnretainedValue()
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    let whole = Int(clamping: min(max(seconds, 0), 2_000_000)) * 1000
    return max(1, whole + Int(attoseconds / 1_000_000_000_000_000))
  }
}

private func setLong(_ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ value: Int) -> Bool {
  unsafe smith_curl_set_long(curl, option, value) == CURLE_OK
}

private func setText(_ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ value: String) -> Bool
{
  unsafe smith_curl_set_text(curl, option, value) == CURLE_OK
}

private func setPointer(
  _ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ value: UnsafeMutableRawPointer?
) -> Bool {
  unsafe smith_curl_set_pointer(curl, option, value) == CURLE_OK
}
