import SmithModel
import Testing

@testable import SmithVendors

@Suite("Huawei codes") struct HuaweiCodesTests {
  private func version(_ name: String) -> HuaweiCodes.Version { name == "v2" ? .v2 : .v201 }

  @Test("Forty units have the codes of the reference") func vectors() throws {
    let rows = codeVectors.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(rows.count == 40)
    for row in rows {
      try #require(row.count == 7)
      let codes = try #require(IMEI(row[0]).flatMap { HuaweiCodes.codes(for: $0) })
      #expect([codes.v1, codes.flash, codes.v2, codes.v201] == [row[1], row[2], row[4], row[6]])
      let digits = [UInt8](row[0].utf8)
      #expect(String(HuaweiCodes.selector(digits, .v2)) == row[3])
      #expect(String(HuaweiCodes.selector(digits, .v201)) == row[5])
    }
  }

  @Test("Published codes come out") func published() throws {
    #expect(!publishedCodes.isEmpty)
    for vector in publishedCodes {
      let codes = try #require(IMEI(vector.imei).flatMap { HuaweiCodes.codes(for: $0) })
      switch vector.kind {
      case "v1_nck": #expect(codes.v1 == vector.code)
      case "v1_flash": #expect(codes.flash == vector.code)
      case "v2_nck": #expect(codes.v2 == vector.code)
      case "v201_nck": #expect(codes.v201 == vector.code)
      default: Issue.record("unknown kind \(vector.kind)")
      }
    }
  }

  @Test("Every routine gives its published results") func slots() {
    for vector in publishedSlots {
      let code = HuaweiCodes.code(
        [UInt8](vector.imei.utf8), version(vector.version), slot: vector.slot)
      #expect(code == vector.code, "\(vector)")
    }
    let digits = [UInt8](slotTraceIMEI.utf8)
    #expect((0..<7).map { HuaweiCodes.code(digits, .v2, slot: $0) } == slotTraceV2)
    #expect((0..<7).map { HuaweiCodes.code(digits, .v201, slot: $0) } == slotTraceV201)
    for vector in publishedSelectors {
      #expect(
        HuaweiCodes.selector([UInt8](vector.imei.utf8), version(vector.version))
          == vector.selector)
    }
  }

  @Test("An IMEI with a wrong check digit or lost identity has no code") func refused() throws {
    for text in ["353443046373615", "000000000000000"] {
      let imei = try #require(IMEI(text))
      #expect(HuaweiCodes.codes(for: imei) == nil)
    }
  }

  @Test("The counter is reset with the hash of the code") func counterReset() {
    #expect(HuaweiCodes.counterReset(code: "96387456") == "3e9e45f2401dc32e3e4a7ce8495cf1e4")
    #expect(HuaweiCodes.counterReset(code: "9638745") == nil)
    #expect(HuaweiCodes.counterReset(code: "9638745x") == nil)
  }

  @Test("Eight digits come out of any unit whatever", arguments: [UInt64(1), 2, 3])
  func shape(seed: UInt64) {
    var random = Seeded(seed)
    for _ in 0..<300 {
      let digits = (0..<15).map { _ in UInt8.random(in: 0x30...0x39, using: &random) }
      for version in HuaweiCodes.Version.allCases {
        for slot in 0..<7 {
          let code = HuaweiCodes.code(digits, version, slot: slot)
          #expect(code.count == 8 && code.allSatisfy(\.isNumber), "seed \(seed) slot \(slot)")
        }
      }
    }
  }
}
