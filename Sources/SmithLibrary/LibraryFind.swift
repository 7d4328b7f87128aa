import Foundation
import GRDB
public import SmithEngine
import SmithFormats
public import SmithModel
public import SmithVendors

/// One answer to a search.
public struct FindResult: Sendable, Equatable {
  /// The file.
  public var entry: Library.Entry
  /// The image in it that was found.
  public var image: FoundImage
  /// How it fits the stick; nil for a search by words.
  public var fit: Fit?
}

/// A file that a trusted catalogue knows and the owner does not have: where it came from, and
/// whose word that is.
public struct OfferResult: Sendable, Equatable {
  /// Id of the key that signed the catalogue; only keys that the owner trusts are taken.
  public var signer: String
  /// What the catalogue says about the file.
  public var entry: Catalogue.Entry
  /// The image in it that was found.
  public var image: Catalogue.Image
  /// How it fits the stick; nil for a search by words.
  public var fit: Fit?
  /// Why it is marked as bad.
  public var bad: [String]
}

extension Library {
  /// Images that carry every word of the query, the newest entries first.
  ///
  /// - Parameter query: parts of products, versions, file names, formats, origins; the last word
  ///   may be the beginning of one.
  public func find(_ query: String, limit: Int = 50) throws(Trouble) -> [FindResult] {
    let phrases = Self.phrases(query)
    guard !phrases.isEmpty else { return [] }
    return try store.read { database in
      let ids = try Int.fetchAll(
        database,
        sql: "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?",
        arguments: [phrases, max(1, min(limit, 10_000))])
      return try ids.compactMap { try Self.result($0, database) }
    }
  }

  /// The same among the files of trusted catalogues, without those that the owner has.
  public func findOffers(_ query: String, limit: Int = 50) throws(Trouble) -> [OfferResult] {
    let phrases = Self.phrases(query)
    guard !phrases.isEmpty else { return [] }
    return try store.read { database in
      let ids = try Int.fetchAll(
        database,
        sql: "SELECT rowid FROM offerwords WHERE offerwords MATCH ? ORDER BY rowid DESC LIMIT ?",
        arguments: [phrases, max(1, min(limit, 10_000))])
      return try ids.compactMap { try Self.offer($0, database) }
    }
  }

  /// The query as SQLite's search wants it: each word a phrase, each the beginning of a word.
  static func phrases(_ query: String) -> String {
    query.split(whereSeparator: \.isWhitespace).prefix(16).compactMap { word in
      let kept = word.prefix(100).filter { $0 != "\"" && $0 != "\0" }
      // A phrase without letters and digits would match nothing, and take the others with it.
      guard kept.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
      return "\"\(kept)\"*"
    }.joined(separator: " ")
  }

  /// Images that may fit a stick, best first: product, then customer code, then version.
  public func find(for device: DeviceReport, limit: Int = 50) throws(Trouble) -> [FindResult] {
    try store.read { database in
      var judged: [Judged] = []
      for tier in try Self.likely(device, .mine, limit: limit, database) {
        judged += try tier.compactMap { try Self.judged($0, device, database) }
        // A later tier has nothing that would come before these.
        if judged.count(where: { $0.ranked.fit?.answer == .fits }) >= limit { break }
      }
      let best = judged.sorted { Self.isBetter($0.ranked, $1.ranked) }.prefix(limit)
      return try best.compactMap { one in
        guard var result = try Self.result(one.id, database) else { return nil }
        // A mark on another image of the same file counts too.
        result.fit =
          result.entry.bad.first == one.bad ? one.ranked.fit : Fit.judge(facts(of: result), device)
        return result.fit?.isWorthShowing == true ? result : nil
      }
    }
  }

  /// The same among the files of trusted catalogues, without those that the owner has.
  public func findOffers(for device: DeviceReport, limit: Int = 50) throws(Trouble)
    -> [OfferResult]
  {
    try store.read { database in
      let ids = try Self.likely(device, .offer, limit: limit, database)
      let found = try ids.joined().compactMap { try Self.offer($0, database) }.map { offer in
        var offer = offer
        let image = offer.image
        offer.fit = Fit.judge(
          ImageFacts(
            format: image.format, kinds: Set(image.kinds), claims: image.claims,
            knownBad: offer.bad.first), device)
        return offer
      }
      let kept = found.filter { $0.fit?.isWorthShowing == true }
      let ordered = kept.enumerated().sorted { left, right in
        Self.isBetter(
          Ranked(
            fit: left.element.fit, version: left.element.image.claims.firmware, id: left.offset),
          Ranked(
            fit: right.element.fit, version: right.element.image.claims.firmware, id: right.offset))
      }
      return ordered.prefix(limit).map(\.element)
    }
  }

  /// What a fit is judged by, bad marks included.
  public func facts(of result: FindResult) -> ImageFacts {
    var facts = result.image.facts
    facts.knownBad = result.entry.bad.first
    return facts
  }

  // MARK: For a stick

  /// Ids of images that are worth judging, the likeliest tier first.
  private static func likely(
    _ device: DeviceReport, _ source: Candidates.Source, limit: Int, _ database: Database
  ) throws -> [[Int]] {
    var names = DeviceCatalogue.huaweiBalong.products(
      model: device.model, hardware: device.hardware)
    names += [device.productID, device.model].compactMap { $0 }
    // Package headers hold eight characters of a product id.
    let beginnings = Set(names.map { String($0.uppercased().prefix(8)) }.filter { !$0.isEmpty })
    let wanted = try Candidates.names(beginnings.sorted(), source, database)
    let found = try Candidates.likeliest(
      wanted, device.firmware, inFamily: device.vendor == "huawei", source, limit: limit, database)
    // Whatever names no product may fit as well; nobody can tell.
    let nameless = try Candidates.likeliest(
      [""], device.firmware, inFamily: false, source, limit: min(limit, 200), database)
    return found + nameless
  }

  /// What decides the order of answers.
  struct Ranked {
    var fit: Fit?
    var version: FirmwareVersion?
    var id: Int
  }

  /// An image that was compared with the stick.
  private struct Judged {
    var id: Int
    var ranked: Ranked
    /// The bad mark that was known then.
    var bad: String?
  }

  private static func judged(
    _ id: Int, _ device: DeviceReport, _ database: Database
  ) throws -> Judged? {
    let statement = try database.cachedStatement(
      sql: """
        SELECT image.format, image.kinds, image.claims, image.sha256, image.file,
        file.sha256 AS whole FROM image JOIN file ON file.id = image.file WHERE image.id = ?
        """)
    guard let row = try Row.fetchOne(statement, arguments: [id]),
      var facts = Self.facts(row)
    else { return nil }
    let sums = [row.text("sha256"), row.text("whole")].compactMap { $0 }
    facts.knownBad = try sums.lazy.compactMap { try bad($0, database).first }.first
    let fit = Fit.judge(facts, device)
    guard fit.isWorthShowing else { return nil }
    let ranked = Ranked(fit: fit, version: facts.claims.firmware, id: row.number("file") ?? 0)
    return Judged(id: id, ranked: ranked, bad: facts.knownBad)
  }

  private static func facts(_ row: Row) -> ImageFacts? {
    let decoder = JSONDecoder()
    guard let format = row.text("format"), let kinds = row.text("kinds"),
      let claims = row.text("claims"),
      let held = try? decoder.decode([ImageKind].self, from: Data(kinds.utf8)),
      let said = try? decoder.decode(ImageClaims.self, from: Data(claims.utf8))
    else { return nil }
    return ImageFacts(format: format, kinds: Set(held), claims: said)
  }

  private static func result(_ id: Int, _ database: Database) throws -> FindResult? {
    guard
      let row = try Row.fetchOne(
        database.cachedStatement(sql: "SELECT * FROM image WHERE id = ?"), arguments: [id]),
      let image = image(row), let file = row.number("file"), let entry = try entry(file, database)
    else { return nil }
    return FindResult(entry: entry, image: image, fit: nil)
  }

  /// What a catalogue says of an image; nil if the owner has the file.
  private static func offer(_ id: Int, _ database: Database) throws -> OfferResult? {
    let statement = try database.cachedStatement(
      sql: """
        SELECT offer.signer, offer.image, claim.entry FROM offer
        JOIN claim ON claim.signer = offer.signer AND claim.sha256 = offer.sha256
        JOIN trusted ON trusted.id = offer.signer
        WHERE offer.id = ? AND NOT EXISTS(SELECT 1 FROM file WHERE file.sha256 = offer.sha256)
        """)
    guard let row = try Row.fetchOne(statement, arguments: [id]), let signer = row.text("signer"),
      let number = row.number("image"), let text = row.text("entry"),
      let entry = try? JSONDecoder().decode(Catalogue.Entry.self, from: Data(text.utf8)),
      entry.images.indices.contains(number)
    else { return nil }
    let image = entry.images[number]
    let sums = [entry.sha256] + [image.sha256].compactMap { $0 }
    return OfferResult(
      signer: signer, entry: entry, image: image, fit: nil,
      bad: try sums.flatMap { try bad($0, database) })
  }

  /// Fitting before unknown before unfit, the own customer's build first, then the newest.
  static func isBetter(_ left: Ranked, _ right: Ranked) -> Bool {
    let (mine, theirs) = (rank(left.fit), rank(right.fit))
    if mine != theirs { return mine > theirs }
    if let mine = left.version, let theirs = right.version {
      if theirs.isOlder(than: mine) == true { return true }
      if mine.isOlder(than: theirs) == true { return false }
    }
    return left.id < right.id
  }

  private static func rank(_ fit: Fit?) -> Int {
    guard let fit else { return 0 }
    let answer =
      switch fit.answer {
      case .fits: 100
      case .unknown: 50
      case .doesNotFit: 0
      }
    let isProven = fit.reasons.contains { $0.about == "product" && $0.answer == .fits }
    let customer = fit.sameCustomer == true ? 8 : fit.sameCustomer == nil ? 4 : 0
    return answer + (isProven ? 20 : 0) + customer - (fit.isAlreadyThere ? 1 : 0)
  }
}

extension Fit {
  /// What does not fit is left out, unless it is only too old: the owner may look for a way back.
  var isWorthShowing: Bool { answer != .doesNotFit || isOlder }
}
