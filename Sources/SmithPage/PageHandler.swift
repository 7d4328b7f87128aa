import Crypto
import FlyingFox
import Foundation
import SmithModel

/// Answers requests that the gate lets through; nothing here changes anything.
struct PageHandler: HTTPHandler {
  let gate: PageGate
  let answers: PageAnswers

  func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
    if let objection = gate.objection(request) {
      return respond(.forbidden, "text/plain; charset=utf-8", Data((objection + "\n").utf8))
    }
    switch (request.method, request.path) {
    case (.GET, "/"):
      return respond(.ok, "text/html; charset=utf-8", Data(PageText.html.utf8))
    case (.GET, "/api/sticks"): return await answer(answers.sticks)
    case (.GET, "/api/history"): return await answer(answers.history)
    case (.GET, "/api/fits"):
      let place = request.query["place"]
      return await answer { () throws(Trouble) in try await answers.fits(place) }
    default:
      return respond(.notFound, "text/plain; charset=utf-8", Data("There is no such page.\n".utf8))
    }
  }

  private func answer(_ source: PageAnswers.Answer) async -> HTTPResponse {
    do throws(Trouble) {
      return respond(.ok, "application/json", try await source())
    } catch {
      let card = (try? JSONEncoder().encode(error)) ?? Data("{}".utf8)
      return respond(.internalServerError, "application/json", card)
    }
  }

  private func respond(_ status: HTTPStatusCode, _ type: String, _ body: Data) -> HTTPResponse {
    HTTPResponse(
      statusCode: status,
      headers: HTTPHeaders([
        .contentType: type, .cacheControl: "no-store",
        HTTPHeader("Content-Security-Policy"): PageText.policy,
        HTTPHeader("Cross-Origin-Resource-Policy"): "same-origin",
        HTTPHeader("Referrer-Policy"): "no-referrer",
        HTTPHeader("X-Content-Type-Options"): "nosniff",
        HTTPHeader("X-Frame-Options"): "DENY",
      ]),
      body: body)
  }
}

/// The one page: all of it is in here, and its policy lets nothing else in.
enum PageText {
  /// Only this very script and this very style run, and only this server is asked.
  static let policy =
    "default-src 'none'; script-src '\(sum(script))'; style-src '\(sum(style))'; "
    + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  static let html = """
    <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Modemsmith</title>
    <meta name="viewport" content="width=device-width"><style>\(style)</style></head><body>
    <h1>Modemsmith</h1><h2>Sticks</h2><ul id="sticks"></ul>
    <h2>My files for a stick</h2><ul id="fits"></ul>
    <h2>Earlier updates</h2><ul id="history"></ul>
    <p>This page only shows. Updates are made with <code>modemsmith update</code>.</p>
    <script>\(script)</script></body></html>
    """

  private static let style =
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"

  /// What sticks say about themselves is set as text, never as markup.
  private static let script = """
    const token = new URLSearchParams(location.search).get("token") || "";
    async function show(name, line, query, act) {
      const list = document.getElementById(name), items = [];
      try {
        const reply = await fetch("/api/" + name + (query || ""),
          {headers: {"X-Modemsmith-Token": token}});
        const body = await reply.json();
        if (reply.ok) { for (const one of body) items.push([line(one), one]); }
        else items.push([body.summary]);
        if (!items.length) items.push(["none"]);
      } catch (error) { items.push(["modemsmith serve does not answer"]); }
      // A button that somebody is about to press stays where it is.
      const seen = JSON.stringify(items);
      if (list.dataset.seen == seen) return;
      list.dataset.seen = seen;
      list.replaceChildren(...items.map(([text, one]) => {
        const item = document.createElement("li"); item.textContent = text;
        if (act && one) {
          const button = document.createElement("button");
          button.textContent = "Which of my files fit?"; button.onclick = () => act(one);
          item.append("  ", button);
        }
        return item;
      }));
    }
    const fits = stick => show("fits", f => [f.fit.answer, f.name,
      ...f.fit.reasons.filter(r => r.answer != "fits").map(r => r.text)].join("  "),
      "?place=" + encodeURIComponent(stick.place));
    const sticks = () => show("sticks",
      s => [s.place, s.usb_id, s.state, s.name].join("  "), "", fits);
    sticks(); setInterval(sticks, 3000);
    show("history", h => [h.time, h.model || "stick", h.before || "unknown", "→",
      h.after || "unknown", h.verdict || "interrupted"].join("  "));
    """

  private static func sum(_ text: String) -> String {
    "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
  }
}
