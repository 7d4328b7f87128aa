import SmithBytes

/// The HDLC decoder: any bytes, split anywhere, give the same frames and never more than the limit;
/// what the encoder writes comes back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHDLC(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  var whole = HDLCDecoder(limit: 512)
  let frames = whole.feed(bytes)
  var split = HDLCDecoder(limit: 512)
  var pieces: [HDLCDecoder.Frame] = []
  for byte in bytes { pieces += split.feed([byte]) }
  precondition(frames == pieces, "the split changed the frames")
  precondition(whole.unfinished.count <= 514, "the limit was passed")
  if !bytes.isEmpty {
    var back = HDLCDecoder()
    precondition(back.feed(HDLC.frame(bytes)) == [.body(bytes)], "the frame did not come back")
  }
  return 0
}
