import Testing

/// Checks over the pages of the project and what the source cites from them.
enum Documents {
  // MARK: Cited sections

  struct Citation: Equatable {
    var page: String
    var sections: [String]
  }

  /// Pages and sections cited in comments, as in `Docs/Protocols/balong.md section 3.2`.
  static func citations(in text: String) -> [Citation] {
    // A citation may be broken over comment lines: join them first.
    let joined = text.replacing(/\s*\n\s*\/\/+\s*/, with: " ")
    let number = #"[0-9]+(?:\.[0-9]+)*"#
    let list = "(\(number)(?:(?:, +and +|, *| +and +)\(number))*)"
    let page = #"(Docs/[A-Za-z]+/[A-Za-z0-9_.\-]+?\.md)"#
    guard
      let citation = try? Regex(
        "\(page)(?:[,:]? +sections? +\(list))?", as: (Substring, Substring, Substring?).self)
    else { return [] }
    return joined.matches(of: citation).map { match in
      let sections = (match.output.2 ?? "").matches(of: /[0-9]+(?:\.[0-9]+)*/)
      return Citation(
        page: String(match.output.1), sections: sections.map { String($0.output) })
    }
  }

  /// The section numbers that a page's headings carry.
  static func sections(of page: String) -> Set<String> {
    var result: Set<String> = []
    for line in page.split(separator: "\n") {
      if let match = line.firstMatch(of: #/^\#+ +(?:Section +)?([0-9]+(?:\.[0-9]+)*)\.? /#) {
        result.insert(String(match.output.1))
      }
    }
    return result
  }

  static func citationViolations(
    in files: [SwiftFile], page: (String) -> String?
  ) -> [String] {
    files.flatMap { file in
      citations(in: file.text).flatMap { citation -> [String] in
        guard let text = page(citation.page) else {
          return ["\(file.path) cites \(citation.page), which does not exist"]
        }
        let known = sections(of: text)
        return citation.sections.filter { !known.contains($0) }.map {
          "\(file.path) cites \(citation.page) section \($0), which does not exist"
        }
      }
    }
  }

  // MARK: Links

  /// Links of a page that lead to nothing in this tree.
  static func deadLinks(in page: Page, exists: (String) -> Bool) -> [String] {
    page.text.matches(of: /\]\(([^)\s]+)\)/).compactMap { match in
      let link = String(match.output.1)
      if link.contains("://") || link.hasPrefix("#") || link.hasPrefix("mailto:") { return nil }
      let target = link.prefix { $0 != "#" }
      return exists(normalised(page.folder + target))
        ? nil : "\(page.path) links to \(link), which does not exist"
    }
  }

  private static func normalised(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") {
      if part == ".." {
        // Climbing out of the tree leads to nothing.
        guard parts.popLast() != nil else { return "\u{0}" }
      } else if part != "." {
        parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }

  // MARK: Decisions and changelog

  static func decisionViolations(in page: Page) -> [String] {
    ["Context", "Decision", "Consequences"].filter { heading in
      !page.text.split(separator: "\n").contains { $0 == "## \(heading)" }
    }.map { "\(page.path) lacks the heading \"## \($0)\"" }
  }

  static func changelogViolations(_ text: String?) -> [String] {
    guard let text else { return ["CHANGELOG.md does not exist"] }
    return text.contains("## [Unreleased]") ? [] : ["CHANGELOG.md lacks \"## [Unreleased]\""]
  }

  // MARK: Tracked files

  /// Endings of files that only a vendor makes. Our own samples are built by code.
  static let vendorEndings: Set<String> = [
    "bin", "exe", "dll", "cwe", "spk", "nvu", "mbn", "elf", "img", "iso", "usbloader", "fw",
    "zip", "rar", "7z", "cab", "gz", "xz", "tar", "msi", "dz", "kdz", "pac", "hex",
  ]

  static func fileViolations(_ paths: [String]) -> [String] {
    paths.compactMap { path in
      let name = path.split(separator: "/").last ?? ""
      let ending = name.split(separator: ".").dropFirst().last.map { $0.lowercased() }
      if let ending, vendorEndings.contains(ending) {
        return "\(path) looks like a vendor's file; none may be tracked"
      }
      return name == "Package.resolved" ? "\(path) is tracked; it is not ours to fix" : nil
    }
  }
}

@Suite("Documents") struct DocumentTests {
  @Test("Every cited page and section exists") func citations() {
    let own = House.swiftFiles.filter { $0.room != "HouseTests" }
    expectNone(Documents.citationViolations(in: own, page: House.text))
  }

  @Test("No link of a page leads to nothing") func links() {
    #expect(House.pages.count > 10)
    expectNone(House.pages.flatMap { Documents.deadLinks(in: $0, exists: House.exists) })
  }

  @Test("Each decision page has context, decision and consequences") func decisions() {
    let pages = House.pages.filter {
      $0.path.hasPrefix("Docs/Decisions/") && !$0.path.hasSuffix("README.md")
    }
    #expect(pages.count >= 6)
    expectNone(pages.flatMap { Documents.decisionViolations(in: $0) })
  }

  @Test("There is a changelog with a place for what comes next") func changelog() {
    expectNone(Documents.changelogViolations(House.text("CHANGELOG.md")))
  }

  @Test("No vendor's file is tracked") func files() throws {
    guard let tracked = House.trackedFiles() else { try Test.cancel("this is no checkout") }
    expectNone(Documents.fileViolations(tracked))
  }

  @Test("A dead citation is caught, in one line or broken over two") func badCitations() {
    let file = SwiftFile(
      path: "Sources/A/A.swift",
      text: """
        /// Docs/Protocols/balong.md section 3.2, and Docs/Protocols/balong.md
        /// sections 4, 5.1 and 9.9 say so. See also Docs/Protocols/none.md.
        """)
    #expect(
      Documents.citations(in: file.text) == [
        .init(page: "Docs/Protocols/balong.md", sections: ["3.2"]),
        .init(page: "Docs/Protocols/balong.md", sections: ["4", "5.1", "9.9"]),
        .init(page: "Docs/Protocols/none.md", sections: []),
      ])
    let page = "# Balong\n## 3. Frames\n### 3.2 Commands\n## 4 File\n### 5.1. Header\n"
    #expect(
      Documents.citationViolations(
        in: [file], page: { $0 == "Docs/Protocols/balong.md" ? page : nil }) == [
          "Sources/A/A.swift cites Docs/Protocols/balong.md section 9.9, which does not exist",
          "Sources/A/A.swift cites Docs/Protocols/none.md, which does not exist",
        ])
  }

  @Test("A dead link is caught; links to the web are left alone") func badLinks() {
    let page = Page(
      path: "Docs/Troubles/README.md",
      text: "[a](../README.md) [b](gone.md#x) [c](https://a.b/c) [d](#here) [e](../../../x)")
    #expect(
      Documents.deadLinks(in: page, exists: { $0 == "Docs/README.md" }) == [
        "Docs/Troubles/README.md links to gone.md#x, which does not exist",
        "Docs/Troubles/README.md links to ../../../x, which does not exist",
      ])
  }

  @Test("A decision without consequences and a missing changelog are caught") func badPages() {
    let page = Page(path: "Docs/Decisions/9.md", text: "# 9\n## Context\nx\n## Decision\ny\n")
    #expect(
      Documents.decisionViolations(in: page)
        == ["Docs/Decisions/9.md lacks the heading \"## Consequences\""])
    #expect(Documents.changelogViolations(nil).count == 1)
    #expect(Documents.changelogViolations("# Changelog\n").count == 1)
  }

  @Test("A vendor's file is caught by its ending") func badFiles() {
    let bad = Documents.fileViolations([
      "Sources/A.swift", "Tests/Fixtures/E3131.BIN", "a/b.tar.gz", "Package.resolved", ".gitignore",
    ])
    #expect(bad.count == 3)
  }
}
