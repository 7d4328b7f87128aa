/// Hides identity numbers, codes and PINs in text for logs and errors
/// (Docs/Protocols/at.md section 8).
public enum IdentityMask {
  /// `text` with every run of 14 or more digits (IMEI, ICCID, MEID) cut to stars and its last
  /// four, and with the values of commands that carry a secret (`AT+CPIN="1234"`) starred out.
  public static func masked(_ text: String) -> String {
    maskRuns(maskSecrets(text))
  }

  /// Commands whose values are secrets when they are set.
  private static let secretNames = [
    "+CPIN", "+CPIN2", "^CPIN", "^CPIN2", "+CPWD", "+CLCK", "^CARDLOCK", "^CARDUNLOCK",
    "^DATALOCK", "+ZNCK", "+ZPWD", "!ENTERCND", "!SETCND", "^AUTHDATA", "+CGAUTH", "$QCPDPP",
    "^SIMLOCK", "+CNUM",
  ]

  private static func maskRuns(_ text: String) -> String {
    var result = ""
    var run = ""
    func flush() {
      result += run.count >= 14 ? String(repeating: "*", count: run.count - 4) + run.suffix(4) : run
      run = ""
    }
    for character in text {
      if character.isASCII, character.isNumber {
        run.append(character)
      } else {
        flush()
        result.append(character)
      }
    }
    flush()
    return result
  }

  private static func maskSecrets(_ text: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let first = rest.first {
      if first.asciiValue.map(ATLine.isSign) == true, let head = secretHead(rest) {
        result += head
        rest.removeFirst(head.count)
        let values = valuesEnd(rest)
        result += maskValues(values)
        rest.removeFirst(values.count)
      } else {
        result.append(first)
        rest.removeFirst()
      }
    }
    return result
  }

  /// `+CPIN=` with its blanks, if one of the names begins here and sets something.
  private static func secretHead(_ text: Substring) -> String? {
    let name = text.prefix(1) + text.dropFirst().prefix { $0.isLetter || $0.isNumber }
    guard secretNames.contains(name.uppercased()) else { return nil }
    let after = text.dropFirst(name.count)
    let blanks = after.prefix { $0 == " " || $0 == "\t" }
    guard after.dropFirst(blanks.count).first == "=" else { return nil }
    return String(name + blanks + "=")
  }

  /// Up to the semicolon or the end of the line.
  private static func valuesEnd(_ text: Substring) -> Substring {
    var quoted = false
    return text.prefix { character in
      if character == "\"" { quoted.toggle() }
      return !character.isNewline && (quoted || character != ";")
    }
  }

  /// Words of three and more letters or digits become four stars: the length is a secret too.
  private static func maskValues(_ text: Substring) -> String {
    var result = ""
    var word = ""
    func flush() {
      result += word.count >= 3 ? "****" : word
      word = ""
    }
    for character in text {
      if ["\"", ",", "=", "?", " ", "<", ">"].contains(character) {
        flush()
        result.append(character)
      } else {
        word.append(character)
      }
    }
    flush()
    return result
  }
}
