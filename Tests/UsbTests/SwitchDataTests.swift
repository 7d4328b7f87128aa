import Foundation
import SmithBytes
import SmithModel
import SmithPorts
import SmithVendors
import Testing

@testable import SmithPorts

@Suite("Mode-switch data") struct SwitchDataTests {
  @Test("Every key of an entry becomes a step") func keys() throws {
    let config = SwitchConfig(
      source: "x",
      text: """
        # a comment
        TargetVendor= 0x12d1
        TargetProductList="1001,1c05"
        TargetProduct=0x1506
        WaitBefore=2
        DetachStorageOnly=1
        StandardEject=1
        HuaweiMode=1
        HuaweiNewMode=1
        SierraMode=1
        OptionMode=1
        MessageContent="55534243123456780000000000000612"
        MessageContent2="0102"
        MessageContent3="03"
        Configuration=3
        AltSetting=1
        ResetUSB=1
        MessageEndpoint=0x02
        ResponseEndpoint=0x01
        Interface=0x05
        ReleaseDelay=4000
        CheckSuccess=40
        NeedResponse=1
        TargetClass=0xff
        """)
    #expect(config.targets.count == 3)
    #expect(config.targetClass == 0xff)
    let recipe = try SwitchRecipe(config)
    #expect(recipe.steps.first == .wait(.seconds(2)))
    #expect(recipe.steps.count == 14)
    #expect(recipe.steps[1] == .detach)
    #expect(recipe.steps[4] == .control(UsbRequest(type: 0, request: 3, value: 1), mayFail: true))
    #expect(
      recipe.steps[6]
        == .control(UsbRequest(type: 0x40, request: 0x0b, value: 1), mayFail: true))
    #expect(recipe.steps[9...10] == [.message([1, 2]), .message([3])])
    #expect(recipe.steps.suffix(3) == [.configuration(3), .alternate(1), .reset])
    #expect(recipe.output == 2)
    #expect(recipe.input == 0x81)
    #expect(recipe.interface == 5)
    #expect(recipe.releaseDelay == .seconds(4))
    #expect(recipe.limit == .seconds(40))
  }

  @Test("Our messages are the published bytes") func messages() {
    #expect(
      SwitchMessages.huaweiNew.hex
        == "55534243123456780000000000000011062000000101000100000000000000")
    #expect(
      SwitchMessages.huaweiAlternative.hex
        == "55534243123456780000000000000011063000000000010000000000000000")
    #expect(
      SwitchMessages.m1.hex == "55534243123456788000000080000606f50402527000000000000000000000")
    #expect(
      SwitchMessages.m85Long.hex
        == "55534243123456782400000080000685000000240000000000000000000000")
    for entry in UsbIDs.entries {
      if entry.method != nil { #expect(SwitchConfig(builtIn: entry) != nil, "\(entry.name)") }
    }
  }

  /// An archive as the package brings it, made here.
  static func archive(_ files: [(String, String)]) throws -> Data {
    var tar: [UInt8] = []
    for (name, text) in files {
      var head = [UInt8](repeating: 0, count: 512)
      for (index, byte) in name.utf8.prefix(100).enumerated() { head[index] = byte }
      let size = Array(String(text.utf8.count, radix: 8).utf8)
      let digits = [UInt8](repeating: 0x30, count: 11 - size.count) + size
      for (index, byte) in digits.enumerated() { head[124 + index] = byte }
      head[156] = 0x30
      for index in 148..<156 { head[index] = 0x20 }
      let sum = head.reduce(0) { $0 + Int($1) }
      let octal = Array(String(sum, radix: 8).utf8)
      let field = [UInt8](repeating: 0x30, count: 6 - octal.count) + octal + [0, 0x20]
      for (index, byte) in field.enumerated() { head[148 + index] = byte }
      tar += head + text.utf8
      tar += [UInt8](repeating: 0, count: (512 - text.utf8.count % 512) % 512)
    }
    tar += [UInt8](repeating: 0, count: 1024)
    // gzip with one stored block for each 65535 bytes: what every unpacker takes.
    var packed: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
    for start in stride(from: 0, to: tar.count, by: 65_535) {
      let part = tar[start..<min(start + 65_535, tar.count)]
      packed.append(start + 65_535 >= tar.count ? 1 : 0)
      let count = UInt16(part.count)
      packed += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
      packed += part
    }
    packed += crc32(tar) + little(UInt32(tar.count))
    return Data(packed)
  }

  private static func little(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  private static func crc32(_ bytes: [UInt8]) -> [UInt8] {
    var sum: UInt32 = 0xffff_ffff
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
    }
    return little(~sum)
  }

  private func device(_ stick: FakeStick) throws -> UsbDevice {
    let sys = try FakeSys()
    try sys.plug(stick, at: "1-1", number: 2)
    return try #require(SysfsUSB(root: sys.sys).device(at: "1-1"))
  }

  @Test("An override wins over the archive, an attribute over the plain id") func layers() throws {
    let sys = try FakeSys()
    let packed = try Self.archive([
      ("12d1:15ca", "HuaweiNewMode=1\n"), ("12d1:15ca:uPr=HUAWEI_Mob", "StandardEject=1\n"),
      ("12d1:15ca:sMo=Mass", "HuaweiMode=1\n"), ("12d1:15ca:uMa=Other", "SierraMode=1\n"),
      ("new.lst", "not an entry"), ("19d2:2000", "StandardEject=1\n"),
    ])
    try sys.write("usr/configPack.tar.gz", packed)
    try sys.write("etc/19d2:2000", "HuaweiMode=1\n")
    let data = SwitchData.installed(
      archive: "\(sys.root)/usr/configPack.tar.gz", folders: ["\(sys.root)/etc"])
    #expect(data.hasInstalledData)
    #expect(data.count == 5)
    let special = data.config(for: try device(.fakeCD), knowledge: known)
    #expect(special?.source == "12d1:15ca:sMo=Mass")
    var other = FakeStick.fakeCD
    other.id = USBID(0x19d2, 0x2000)
    #expect(data.config(for: try device(other), knowledge: known)?.isOn("HuaweiMode") == true)
    other.id = USBID(0x12d1, 0x1446)
    #expect(data.config(for: try device(other), knowledge: known)?.source == "built-in")
    #expect(!SwitchData.installed(archive: "/nowhere", folders: []).hasInstalledData)
  }

  @Test("A damaged archive gives what can be read and no more", arguments: 0..<8)
  func damage(_ seed: Int) throws {
    let sys = try FakeSys()
    var dice = Dice(state: UInt64(seed))
    let good = try Self.archive([("12d1:15ca", "HuaweiNewMode=1\n"), ("12d1:1446", "x=1\n")])
    for _ in 0..<20 {
      var bytes = [UInt8](good)
      for _ in 0...(dice.next() % 3) {
        bytes[Int(dice.next()) % bytes.count] = UInt8(truncatingIfNeeded: dice.next())
      }
      bytes = [UInt8](bytes.prefix(Int(dice.next()) % (bytes.count + 1)))
      try sys.write("a.tgz", Data(bytes))
      let data = SwitchData.installed(archive: "\(sys.root)/a.tgz", folders: [])
      #expect(data.count <= 2, "seed \(seed)")
      let text = String(decoding: bytes, as: UTF8.self)
      _ = try? SwitchRecipe(SwitchConfig(source: "x", text: text))
    }
    // The archive itself, unpacked and broken.
    let tar = try #require(SwitchArchive.gunzip([UInt8](good)))
    for _ in 0..<40 {
      var bytes = tar
      bytes[Int(dice.next()) % 1100] = UInt8(truncatingIfNeeded: dice.next())
      #expect(SwitchArchive.files(inTar: bytes).count <= 2, "seed \(seed)")
    }
  }

  @Test("The data of this system is read whole, if it is installed") func installed() throws {
    let data = SwitchData.installed()
    guard data.hasInstalledData else { try Test.cancel("usb-modeswitch-data is missing") }
    #expect(data.count >= 490)
    let config = try #require(data.config(for: try device(.fakeCD), knowledge: known))
    #expect(config.isOn("HuaweiNewMode"))
  }
}
