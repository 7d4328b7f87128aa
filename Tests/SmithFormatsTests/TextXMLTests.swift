import SmithFormats
import Testing

@Suite("XML with text") struct TextXMLTests {
  private func events(_ text: String, limits: TextXML.Limits = .init()) throws -> [TextXML.Event] {
    var xml = try TextXML(Array(text.utf8), limits: limits)
    var events: [TextXML.Event] = []
    while let event = try xml.next() { events.append(event) }
    return events
  }

  @Test("Elements, attributes, text, CDATA and entities are read") func reading() throws {
    let text = """
      <?xml version='1.0'?><!-- a --><!DOCTYPE a SYSTEM "a.dtd">
      <a b="1 &lt; 2" c='&#x41;&#66;'>x &amp; y<d/><![CDATA[<raw>]]></a>
      """
    #expect(
      try events(text) == [
        .open("a", ["b": "1 < 2", "c": "AB"]), .text("x & y"), .open("d", [:]), .close("d"),
        .text("<raw>"), .close("a"),
      ])
  }

  @Test(
    "What is not well formed is refused",
    arguments: [
      "", " ", "x", "<a>", "<a></b>", "</a>", "<a b></a>", "<a b=c/>", "<a b='1' b='2'/>",
      "<a/><b/>",
      "<a>&nothing;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>",
      "<a b='<'/>", "<a><!-- </a>", "<a><![CDATA[ </a>", "<a", "<a b='", "<", "<!DOCTYPE a '",
      "<a/>text", "<![CDATA[x]]><a/>", "<a/><!DOCTYPE a>", "<a>&amp</a>",
    ])
  func refusing(_ text: String) {
    #expect(throws: TextXML.Flaw.self) { try events(text) }
  }

  @Test("Depth, number, length and attributes are bounded") func bounds() {
    var limits = TextXML.Limits()
    limits.bytes = 4000
    limits.elements = 20
    limits.depth = 5
    limits.attributes = 3
    limits.text = 100
    for text in [
      String(repeating: "<a>", count: 7) + String(repeating: "</a>", count: 7),
      "<a>" + String(repeating: "<b/>", count: 30) + "</a>",
      "<a b='' c='' d='' e=''/>", "<a>" + String(repeating: "x", count: 200) + "</a>",
      "<a>" + String(repeating: " ", count: 5000) + "</a>",
    ] {
      #expect(throws: TextXML.Flaw.self) { try events(text, limits: limits) }
      #expect(throws: Never.self) { try events(text) }
    }
  }
}
