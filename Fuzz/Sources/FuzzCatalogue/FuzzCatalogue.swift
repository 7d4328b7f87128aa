import SmithLibrary

/// Everything of the library that reads bytes from outside: catalogues, keys, signatures,
/// descriptions, databases of providers.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCatalogue(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  if let catalogue = try? Catalogue(bytes) {
    // What was taken survives being written and read again.
    let again = (try? catalogue.encoded()).flatMap { try? Catalogue($0) }
    precondition(again == catalogue, "a catalogue changed on its way")
  }
  if let info = try? MetaInfo(bytes) { _ = try? MetaInfo(info.encoded) }
  let text = String(decoding: bytes, as: UTF8.self)
  _ = try? Minisign.PublicKey(text)
  _ = try? Minisign.SecretKey(text)
  _ = try? Minisign.verify([1, 2, 3], text, by: key)
  _ = try? ProviderDatabase(bytes).accessPoints(of: "26201")
  return 0
}

private let key = Minisign.SecretKey().publicKey
