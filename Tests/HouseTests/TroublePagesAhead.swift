extension TroubleCodes {
  /// Pages that were written before the code that raises them. A code that is raised has to leave
  /// this list, and a page has to be in the source or here.
  static let pagesAhead: Set<String> = [
    "plan.wrong-vendor", "plan.wrong-product", "plan.wrong-model", "plan.downgrade",
    "plan.not-firmware-kind", "plan.version-unknown",
    "preflight.low-battery", "preflight.identity-damaged", "preflight.no-download-mode",
    "consent.missing", "backup.failed",
    "journal.disk-full", "journal.not-writable", "journal.corrupt", "lock.held",
    "port.busy", "port.not-permitted", "port.not-found", "port.gone",
    "stick.silent", "stick.not-a-modem", "stick.did-not-return", "stick.identity-changed",
    "stick.vanished", "stick.wrong-mode",
    "update.interrupted", "update.unverified",
    "resume.nothing", "resume.file-changed", "resume.other-stick",
    "balong.block-refused", "balong.item-refused", "balong.no-answer",
    "balong.signature-refused", "balong.datamode-refused", "balong.wrong-monitor",
    "balong.not-download-mode", "usage.bad-target",
  ]
}
