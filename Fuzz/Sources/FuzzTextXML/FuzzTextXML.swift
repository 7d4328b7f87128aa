import SmithFormats

/// XML with text: ends, never traps, and every element that opens closes once.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTextXML(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  var open: [String] = []
  do {
    var xml = try TextXML(bytes)
    while let event = try xml.next() {
      switch event {
      case .open(let name, _): open.append(name)
      case .close(let name): precondition(open.popLast() == name, "closed what was not open")
      case .text: precondition(!open.isEmpty, "text outside")
      }
    }
    precondition(open.isEmpty, "an element stayed open")
  } catch {}
  return 0
}
