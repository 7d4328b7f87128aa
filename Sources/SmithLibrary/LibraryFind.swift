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
      return try Self.results(ids, database)
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
    var names = DeviceCatalogue.huaweiBalong.products(
      model: device.model, hardware: device.hardware)
    names += [device.productID, device.model].compactMap { $0 }
    // Package headers hold eight characters of a product id.
    let wanted = Set(names.map { String($0.uppercased().prefix(8)) }.filter { !$0.isEmpty })
    let found: [FindResult] = try store.read { database in
      var ids: Set<Int> = []
      for name in wanted.sorted() {
        // Files say `E3372h`, sticks say `E3372`: a beginning is worth a look, Fit decides.
        ids.formUnion(
          try Int.fetchAll(
            database,
            sql: """
              SELECT image FROM product WHERE name >= ? AND name < ? ORDER BY image DESC LIMIT 2000
              """, arguments: [name, name + "\u{10FFFF}"]))
      }
      // Whatever names no product may fit as well; nobody can tell.
      ids.formUnion(
        try Int.fetchAll(
          database,
          sql: """
            SELECT id FROM image WHERE NOT EXISTS(SELECT 1 FROM product WHERE image = image.id)
            ORDER BY id DESC LIMIT 200
            """))
      return try Self.results(ids.sorted(by: >), database)
    }
    let judged = found.map { result in
      var result = result
      result.fit = Fit.judge(facts(of: result), device)
      return result
    }
    let kept = judged.filter { $0.fit?.answer != .doesNotFit || $0.fit?.isOlder == true }
    return Array(kept.sorted(by: Self.isBetter).prefix(limit))
  }

  /// What a fit is judged by, bad marks included.
  public func facts(of result: FindResult) -> ImageFacts {
    var facts = result.image.facts
    facts.knownBad = result.entry.bad.first
    return facts
  }

  private static func results(_ ids: [Int], _ database: Database) throws -> [FindResult] {
    try ids.compactMap { id in
      guard
        let row = try Row.fetchOne(
          database, sql: "SELECT * FROM image WHERE id = ?", arguments: [id]),
        let image = image(row), let file = row.number("file"),
        let entry = try entry(file, database)
      else { return nil }
      return FindResult(entry: entry, image: image, fit: nil)
    }
  }

  /// Fitting before unknown before unfit, the own customer's build first, then the newest.
  static func isBetter(_ left: FindResult, _ right: FindResult) -> Bool {
    let (mine, theirs) = (rank(left), rank(right))
    if mine != theirs { return mine > theirs }
    if let mine = left.image.claims.firmware, let theirs = right.image.claims.firmware {
      if theirs.isOlder(than: mine) == true { return true }
      if mine.isOlder(than: theirs) == true { return false }
    }
    return left.entry.id < right.entry.id
  }

  private static func rank(_ result: FindResult) -> Int {
    guard let fit = result.fit else { return 0 }
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
