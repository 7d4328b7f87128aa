/// The rooms of the house as Package.swift declares them.
struct Manifest {
  struct Room: Equatable {
    enum Kind { case library, executable, system, tests }
    var name: String
    var kind: Kind
    /// Rooms it names.
    var dependencies: [String]
    /// Packages from outside, by the name of the constant that stands for them.
    var outside: [String]
  }

  let rooms: [Room]

  /// Reads the target list from the text of Package.swift; the shapes used there, no others.
  init(_ text: String) {
    let makers: [(String, Room.Kind)] = [
      ("room(", .library), ("tests(", .tests), (".target(", .library),
      (".executableTarget(", .executable), (".systemLibrary(", .system),
      (".testTarget(", .tests),
    ]
    let source = Self.targetList(Self.withoutComments(text))
    rooms = makers.flatMap { maker, kind in
      Self.arguments(of: maker, in: source).compactMap { Self.room($0, kind) }
    }
  }

  private static func withoutComments(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.drop { $0 == " " }.hasPrefix("//") }
      .joined(separator: "\n")
  }

  /// What follows `targets: [` of the package, which is the last one of the file.
  private static func targetList(_ text: String) -> String {
    guard let start = text.ranges(of: "\n  targets: [").last else { return text }
    return String(text[start.upperBound...])
  }

  /// The texts between the parentheses of each call of `maker`.
  private static func arguments(of maker: String, in text: String) -> [String] {
    text.ranges(of: maker).compactMap { range in
      // `room(` must not be found inside a longer word.
      if range.lowerBound > text.startIndex, maker.first != ".",
        text[text.index(before: range.lowerBound)].isLetter
      {
        return nil
      }
      var depth = 1
      var end = range.upperBound
      while end < text.endIndex, depth > 0 {
        if text[end] == "(" { depth += 1 }
        if text[end] == ")" { depth -= 1 }
        end = text.index(after: end)
      }
      return String(text[range.upperBound..<end].dropLast())
    }
  }

  private static func room(_ arguments: String, _ kind: Room.Kind) -> Room? {
    let pieces = arguments.split(separator: "\"", omittingEmptySubsequences: false)
    guard pieces.count >= 3 else { return nil }
    var result = Room(name: String(pieces[1]), kind: kind, dependencies: [], outside: [])
    guard kind != .system, let open = arguments.firstIndex(of: "["),
      let close = arguments[open...].firstIndex(of: "]")
    else { return result }
    for item in arguments[arguments.index(after: open)..<close].split(separator: ",") {
      let word = item.filter { !$0.isWhitespace }
      guard let first = word.first else { continue }
      if first == "\"" {
        result.dependencies.append(word.filter { $0 != "\"" })
      } else {
        result.outside.append(word)
      }
    }
    return result
  }
}

/// Which room stands on which floor, and what it may lean on (Docs/Decisions/0001-floors.md).
struct FloorPlan {
  struct Place {
    var floor: Int
    /// The rooms it may name, and no others.
    var mayImport: Set<String>
    /// The outside packages it may name.
    var outside: Set<String> = []
  }

  let places: [String: Place]

  static let system: Set<String> = [
    "CZlib", "CLZMA", "CArchive", "CCurl", "CLibUSB", "CSystemd",
  ]

  static let house: FloorPlan = {
    let zero: Set<String> = ["SmithBytes", "SmithModel"]
    let one = zero.union(["SmithLink", "SmithAT", "SmithFormats"])
    let three = one.union(["SmithProtocols", "SmithVendors"])
    let engine = three.union(["SmithEngine"])
    let below = engine.union(["SmithPorts", "SmithArchives", "SmithLibrary"])
    let beside: Set<String> = ["SmithSimulators", "SmithBench", "SmithTrials"]
    let ports = one.union(["SmithEngine", "CCurl", "CLibUSB", "CSystemd", "CZlib"])
    return FloorPlan(places: [
      "SmithBytes": Place(floor: 0, mayImport: []),
      "SmithModel": Place(floor: 0, mayImport: ["SmithBytes"]),
      "SmithLink": Place(floor: 1, mayImport: zero),
      "SmithAT": Place(floor: 1, mayImport: zero.union(["SmithLink"])),
      "SmithFormats": Place(floor: 1, mayImport: zero.union(["CZlib", "CLZMA"])),
      "SmithProtocols": Place(floor: 2, mayImport: one),
      "SmithVendors": Place(
        floor: 3, mayImport: one.union(["SmithProtocols"]), outside: ["crypto", "ciphers"]),
      "SmithEngine": Place(floor: 4, mayImport: three, outside: ["crypto"]),
      "SmithPorts": Place(floor: 5, mayImport: ports),
      "SmithArchives": Place(
        floor: 5, mayImport: zero.union(["SmithFormats", "CArchiveReader"])),
      "SmithLibrary": Place(
        floor: 5,
        mayImport: zero.union(["SmithFormats", "SmithVendors", "SmithEngine", "SmithArchives"]),
        outside: ["crypto", "grdb"]),
      "SmithCLI": Place(
        floor: 6, mayImport: below.union(beside).union(["SmithPage", "SmithFleet"]),
        outside: ["arguments"]),
      "SmithPage": Place(
        floor: 6, mayImport: below.union(beside), outside: ["crypto", "flyingFox"]),
      "SmithFleet": Place(floor: 6, mayImport: below.union(beside), outside: ["crypto"]),
      "modemsmith": Place(floor: 7, mayImport: ["SmithCLI", "SmithPage", "SmithFleet"]),
      // C, and the only one that may call libarchive: it runs in a process of its own.
      "CArchiveReader": Place(floor: 0, mayImport: ["CArchive"]),
      // Beside the floors. Sharing no format or protocol code with the host is the point: a
      // misreading on one side shows as a difference between the two.
      "SmithSimulators": Place(floor: 2, mayImport: zero.union(["SmithLink"])),
      "SmithBench": Place(floor: 2, mayImport: zero.union(["SmithLink"])),
      "SmithTrials": Place(
        floor: 5, mayImport: engine.union(["SmithSimulators", "SmithBench"])),
    ])
  }()

  /// What the manifest does that the plan does not allow.
  func violations(in manifest: Manifest) -> [String] {
    manifest.rooms.flatMap { room -> [String] in
      switch room.kind {
      case .tests:
        return []
      case .system:
        return Self.system.contains(room.name) && room.dependencies.isEmpty
          ? [] : ["\(room.name) is no system library of the plan"]
      case .library, .executable:
        guard let place = places[room.name] else {
          return ["\(room.name) has no floor: add it to FloorPlan.house and to decision 0001"]
        }
        return room.dependencies.filter { !place.mayImport.contains($0) }.map {
          "\(room.name) on floor \(place.floor) may not name \($0)"
        }
          + room.outside.filter { !place.outside.contains($0) }.map {
            "\(room.name) may not name the outside package \($0)"
          }
      }
    }
  }

  /// Arrows of the plan itself that do not point down.
  var upwardArrows: [String] {
    places.flatMap { name, place in
      place.mayImport.compactMap { other in
        guard let below = places[other] else {
          return Self.system.contains(other) ? nil : "\(name) names unknown \(other)"
        }
        // On one floor an arrow may go one way, never back.
        let goesBack = below.floor == place.floor && below.mayImport.contains(name)
        return below.floor > place.floor || goesBack ? "\(name) -> \(other)" : nil
      }
    }
  }

  /// Imports in one file that its room may not have.
  func violations(in file: SwiftFile) -> [String] {
    guard file.path.hasPrefix("Sources/"), let place = places[file.room] else { return [] }
    return file.imports.compactMap { line, module in
      if module == file.room { return nil }
      let isRoom = places[module] != nil || Self.system.contains(module)
      if isRoom, !place.mayImport.contains(module) {
        return "\(file.path):\(line) imports \(module) from floor \(place.floor)"
      }
      let foundations = ["Foundation", "FoundationEssentials", "FoundationNetworking"]
      if place.floor <= 2, foundations.contains(module) {
        return "\(file.path):\(line) imports \(module); floors 0-2 do without"
      }
      return nil
    }
  }
}

extension SwiftFile {
  /// Modules named in import lines, with the line.
  var imports: [(line: Int, module: String)] {
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let"]
    return lexed.codeLines.enumerated().compactMap { offset, line in
      let words = line.split(separator: " ")
      guard let at = words.firstIndex(of: "import"),
        words[..<at].allSatisfy({
          $0.hasPrefix("@") || ["public", "internal", "package", "private"].contains($0)
        })
      else { return nil }
      let rest = words[(at + 1)...].drop { kinds.contains($0) }
      guard let module = rest.first?.split(separator: ".").first else { return nil }
      return (offset + 1, String(module))
    }
  }
}
