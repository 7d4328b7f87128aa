import SmithEngine
import SmithFormats
import SmithLibrary
import SmithModel

extension FoundImage {
  /// The image as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "inside": .text(inside), "sha256": .text(sha256), "format": .string(format),
      "kinds": .array(kinds.map { .string($0.rawValue) }),
      "products": .array(claims.products.map { .string($0) }), "firmware": .text(claims.firmware),
      "dashboard": .text(claims.dashboard), "web_interface": .text(claims.webInterface),
      "customer": .text(claims.customer), "signed": .bool(claims.signed),
      "bytes": .integer(bytes), "warnings": .array(warnings.map { .string($0) }),
    ])
  }

  var line: String {
    let version =
      claims.firmware?.text ?? claims.webInterface?.text ?? claims.dashboard?.text
      ?? "version not named"
    let products = claims.products.isEmpty ? format : claims.products.joined(separator: ",")
    return "\(products)  \(version)  \(kinds.map(\.rawValue).joined(separator: "+"))"
      + (inside.map { "  in \($0)" } ?? "")
  }
}

extension Library.Entry {
  /// The file as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("entry"), "id": .integer(id), "sha256": .string(sha256),
      "bytes": .integer(bytes), "added": .string(added), "provenance": .text(provenance),
      "places": .array(
        places.map { .object(["path": .string($0.path), "copy": .bool($0.isCopy)]) }),
      "images": .array(images.map(\.json)), "note": .text(note),
      "known_bad": .array(bad.map { .string($0) }),
    ])
  }

  func showLine() {
    let what = images.map(\.line).joined(separator: "; ")
    let mark = bad.isEmpty ? "" : Output.paint("  ! marked as bad", .yellow)
    Output.line("\(id)  \(sha256.prefix(12))  \(what)\(mark)")
  }

  func show() {
    Output.line("number    \(id)")
    Output.line("sha256    \(sha256)")
    Output.line("size      \(ProgressText.size(bytes))")
    Output.line("added     \(added)")
    if let provenance { Output.line("from      \(provenance)") }
    for place in places { Output.line("\(place.isCopy ? "copy  " : "file  ")    \(place.path)") }
    for image in images { Output.line("image     \(image.line)") }
    if let note { Output.line("note      \(note)") }
    for bad in bad { Output.line(Output.paint("! marked as bad: \(bad)", .yellow)) }
  }
}

extension FindResult {
  var json: JSONValue {
    guard case .object(var object) = entry.json else { return entry.json }
    object["event"] = .string("found")
    object["image"] = image.json
    object["fit"] = fit?.json ?? .null
    return .object(object)
  }

  func show() {
    let path = entry.places.first?.path ?? "no file"
    Output.line("\(entry.id)  \(fit.map { "\($0.answer.rawValue)  " } ?? "")\(image.line)")
    Output.line(Output.paint("   \(path)", .faint))
    for reason in fit?.objections ?? [] { Output.line("   · \(reason.text)") }
    for bad in entry.bad { Output.line(Output.paint("   ! marked as bad: \(bad)", .yellow)) }
  }
}

extension OfferResult {
  /// What a catalogue knows of a file that is not here, as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("offer"), "sha256": .string(entry.sha256),
      "bytes": entry.bytes.map { .integer($0) } ?? .null,
      "names": .array(entry.names.map { .string($0) }), "signer": .string(signer),
      "trusted": .bool(true), "provenance": .text(entry.provenance), "note": .text(entry.note),
      "known_bad": .array(bad.map { .string($0) }),
      "image": .object([
        "inside": .text(image.inside), "format": .string(image.format),
        "products": .array(image.claims.products.map { .string($0) }),
        "firmware": .text(image.claims.firmware),
      ]), "fit": fit?.json ?? .null,
    ])
  }

  func show() {
    let products = image.claims.products.joined(separator: ",")
    let answer = fit.map { "\($0.answer.rawValue)  " } ?? ""
    Output.line(
      "\(entry.sha256.prefix(12))  \(answer)\(products)"
        + "  \(image.claims.firmware?.text ?? "version not named")  \(entry.names.first ?? "")")
    Output.line(
      Output.paint(
        "   from \(entry.provenance ?? "a place that is not said"); signed by \(signer)", .faint))
    for reason in fit?.objections ?? [] { Output.line("   · \(reason.text)") }
    for reason in bad { Output.line(Output.paint("   ! marked as bad: \(reason)", .yellow)) }
  }
}

extension Fit {
  /// Every reason, one line each, under the one answer; or an event of its own.
  func show(json isJSON: Bool) {
    if isJSON { return Output.json(.object(["event": .string("fit"), "fit": json])) }
    Output.error("  fit       \(answer.rawValue.replacing("-", with: " "))")
    for reason in reasons {
      let mark = reason.answer == .fits ? "+" : reason.answer == .unknown ? "?" : "!"
      Output.error("            \(mark) \(reason.text)")
    }
  }

  /// The answer with every reason, as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "answer": .string(answer.rawValue), "already_there": .bool(isAlreadyThere),
      "older": .bool(isOlder), "same_customer": sameCustomer.map { .bool($0) } ?? .null,
      "reasons": .array(
        reasons.map {
          .object([
            "answer": .string($0.answer.rawValue), "about": .string($0.about),
            "text": .string($0.text),
          ])
        }),
    ])
  }
}
