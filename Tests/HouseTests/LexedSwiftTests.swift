import Testing

@Suite("The scanner of the house checks") struct LexedSwiftTests {
  @Test("Comments and literals are no code") func blanks() {
    let lexed = LexedSwift(
      """
      let a = 1 // secret
      /* outer /* inner secret */ still secret */ let b = "secret \\(call("secret")) x"
      let c = #"raw "secret" \\(not code)"#
      """)
    let code = lexed.codeLines.joined(separator: "\n")
    #expect(!code.contains("secret") && !code.contains("not code"))
    #expect(code.contains("let a = 1") && code.contains("let b =") && code.contains("call("))
    #expect(lexed.codeLines.count == 3)
    #expect(lexed.literals.map(\.text).contains(#"raw "secret" \(not code)"#))
  }

  @Test("A literal knows the code before it and its line") func literals() {
    let lexed = LexedSwift("let t =\n  Trouble(\n    \"a.b\", \"Text\")\n")
    #expect(lexed.literals.first == .init(line: 3, text: "a.b", before: "lett=Trouble("))
    #expect(LexedSwift("x(\"\"\"\n  many \"quoted\"\n  \"\"\", 1)").codeLines.last?.last == ")")
  }

  @Test("Functions are counted from the first word to the closing brace") func functions() {
    let text = """
      protocol P { func bare() ; var x: Int { get } }
      struct S {
        init(a: Int) { self.init() }
        func wait(for time: Int = { 3 }()) {
          if true { one() }
          let make = items.map { item in
            item
          }
        }
        var computed: Int { 3 }
        func nested() { func inner() {
        } }
      }
      """
    let spans = LexedSwift(text).functions.sorted { $0.line < $1.line }
    #expect(
      spans.map(\.name).sorted() == ["init", "inner", "nested", "wait"].sorted())
    #expect(spans.first { $0.name == "wait" }?.lines == 6)
    #expect(spans.first { $0.name == "inner" }?.lines == 2)
  }

  @Test("An unfinished literal does not swallow the file") func unfinished() {
    #expect(LexedSwift("let a = \"oops\nlet b = 2").codeLines.last == "let b = 2")
    #expect(LexedSwift("/* never closed").codeLines.count == 1)
  }
}
