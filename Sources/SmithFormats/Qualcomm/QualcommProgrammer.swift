public import SmithBytes

/// A program that the boot ROM takes into its memory: ELF, or code behind a boot header
/// (Docs/Protocols/mbn.md sections 1, 2, 4 and 6). Read for bounds and identity; the ROM itself
/// decides whether it trusts it.
public struct QualcommProgrammer: Sendable {
  /// Name of the file, for people.
  public let name: String
  /// The whole file.
  public let bytes: SharedBytes
  /// The certificates of its chain, outermost signer last; empty if it is not signed.
  public let certificates: [SharedBytes]
  /// How many root certificates the chain says that it has; 1 unless told.
  public let rootCount: Int
  /// Hardware id that the certificates name; nil if none does, or it is zero (any hardware).
  public let hardware: UInt64?

  /// Reads and bounds a file.
  public init(name: String, reading bytes: SharedBytes) throws(QualcommImageError) {
    let signed: (header: MBNHeader, body: SharedBytes)?
    if let program = try? ELFProgram(reading: bytes) {
      signed = program.hashTable
    } else {
      // What is no ELF has to be the other kind, and the error of that one is told.
      let image = try MBNImage(reading: bytes)
      signed = (image.header, image.body)
    }
    self.name = name
    self.bytes = bytes
    certificates = signed.map { Self.certificates($0.header, $0.body) } ?? []
    let roots = Int(signed?.header.rootCount ?? 1)
    rootCount = (1...16).contains(roots) ? roots : 1
    hardware = certificates.lazy.compactMap { Self.hardware(in: $0.bytes()) }.first { $0 != 0 }
  }

  /// What a fused chip may know the signer by: the last certificate, and all roots together
  /// (inferred, Docs/Protocols/mbn.md section 6).
  public var signers: [[UInt8]] {
    guard let last = certificates.last else { return [] }
    let roots = certificates.suffix(rootCount)
    return roots.count > 1 ? [last.bytes(), roots.flatMap { $0.bytes() }] : [last.bytes()]
  }

  /// Certificates stand one behind the other, each with its own length; FF fills the rest.
  private static func certificates(_ header: MBNHeader, _ body: SharedBytes) -> [SharedBytes] {
    let (start, overflow) = Int(header.codeSize).addingReportingOverflow(
      Int(header.signatureSize))
    guard !overflow, header.certificatesSize > 0,
      let chain = body.slice(start..<(start + Int(header.certificatesSize)))
    else { return [] }
    var reader = ByteReader(chain)
    var found: [SharedBytes] = []
    while found.count < 16, let start = reader.take(4)?.bytes(), start[0] == 0x30, start[1] == 0x82
    {
      let length = Int(start[2]) << 8 | Int(start[3])
      guard let rest = reader.take(length),
        let whole = chain.slice((reader.position - length - 4)..<reader.position), !rest.isEmpty
      else { break }
      found.append(whole)
    }
    return found
  }

  /// The number in front of ` HW_ID`, as in `02 009000E100000000 HW_ID`.
  private static func hardware(in certificate: [UInt8]) -> UInt64? {
    let mark = Array(" HW_ID".utf8)
    guard certificate.count > mark.count + 16 else { return nil }
    for start in 16...(certificate.count - mark.count)
    where certificate[start] == mark[0] && certificate[start...].starts(with: mark) {
      let digits = String(decoding: certificate[(start - 16)..<start], as: UTF8.self)
      return UInt64(digits, radix: 16)
    }
    return nil
  }
}

extension ELFProgram {
  /// The boot header inside the hash segment and what follows it, if they make sense.
  var hashTable: (header: MBNHeader, body: SharedBytes)? {
    for segment in segments where segment.isHashTable {
      guard let cut = bytes.slice(segment.fileRange), let header = try? MBNHeader(reading: cut),
        let body = cut.slice(header.form.rawValue..<cut.count)
      else { continue }
      return (header, body)
    }
    return nil
  }
}
