/// Names and kinds of item ids (balong-image.md section 5).
public enum BalongItems {
  /// What people call the item `id`; `item-IIIIIIII` if nobody knows.
  public static func name(of id: UInt32) -> String {
    names[id] ?? "item-\(hex8(id))"
  }

  /// What an item belongs to; nil for version records, which come with any package.
  public static func kind(of id: UInt32) -> ImageKind? {
    switch id {
    case 0x0b_0000, 0x10c: .dashboard
    case 0x56_0000, 0x5b_0000, 0x113: .webInterface
    case _ where isVersionRecord(id): nil
    default: .firmware
    }
  }

  /// Whether the item may be the version record of a dashboard or web package; listed as OEM
  /// information today.
  public static func isVersionRecord(_ id: UInt32) -> Bool {
    [0x0a_0000, 0x1a_0000, 0x51_0000, 0x55_0000].contains(id)
  }

  /// Whether the item holds data of the single stick (identity, calibration) or what the boot
  /// ROM starts first: never written alone outside a recovery profile.
  public static func isDelicate(_ id: UInt32) -> Bool {
    delicate.contains(id)
  }

  private static let delicate: Set<UInt32> = [
    0x01_0000, 0x48_0000, 0x49_0000, 0x100, 0x02_0000, 0x20_0000, 0x101, 0x102, 0x08_0000,
    0x066, 0x10d, 0x10e, 0x07_0000, 0x25_0000,
  ]

  /// Every id that has a name, sorted.
  public static var known: [UInt32] { names.keys.sorted() }

  private static let names: [UInt32: String] = [
    0x02_0000: "M3Boot", 0x01_0000: "Ptable", 0x20_0000: "M3Boot_R11",
    0x48_0000: "Ptable_ext_A", 0x49_0000: "Ptable_ext_B", 0x11_0000: "Fastboot",
    0x13_0000: "Logo", 0x03_0000: "Kernel", 0x09_0000: "Kernel_R11", 0x27_0000: "DTS_R11",
    0x04_0000: "VxWorks", 0x22_0000: "VxWorks_R11", 0x05_0000: "M3Image",
    0x23_0000: "M3Image_R11", 0x06_0000: "DSP", 0x24_0000: "DSP_R11", 0x07_0000: "Nvdload",
    0x25_0000: "Nvdload_R11", 0x08_0000: "Nvimg", 0x59_0000: "System", 0x10_0000: "System",
    0x57_0000: "APP", 0x5a_0000: "APP", 0x45_0000: "APP_EXT_A", 0x46_0000: "APP_EXT_B",
    0x0a_0000: "Oeminfo", 0x0b_0000: "CDROMISO", 0x55_0000: "Oeminfo", 0x51_0000: "Oeminfo",
    0x1a_0000: "Oeminfo", 0x56_0000: "WEBUI", 0x5b_0000: "WEBUI", 0x17_0000: "Wimaxcfg",
    0x18_0000: "Wimaxcrf", 0x19_0000: "Userdata", 0x1b_0000: "Online", 0x5d_0000: "Online",
    0x5e_0000: "Online", 0x100: "Ptable_R1", 0x101: "Bootloader_R1", 0x102: "Bootrom_R1",
    0x55_0103: "VxWorks_R1", 0x104: "Fastboot_R1", 0x105: "Kernel_R1", 0x107: "System_R1",
    0x066: "Nvimage_R1", 0x113: "WEBUI_R1", 0x109: "APP_R1", 0x28_0000: "HIFI_R11",
    0x1e_0000: "Modem_fw", 0x29_0000: "Teeos",
    // Not in the table of known tools; partition types of the older loaders.
    0x103: "VxWorks_R1", 0x106: "Yaffs0_R1", 0x108: "Yaffs2_R1", 0x10c: "CDROMISO_R1",
    0x10d: "NvBackLTE_R1", 0x10e: "NvBackGU_R1",
  ]
}
