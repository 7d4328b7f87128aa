public import SmithModel

/// One item as the download procedure needs it: a name, a size, and bytes pulled in order.
public struct BalongItem {
  /// Item id as in the package header.
  public let id: UInt32
  /// Name for people.
  public let name: String
  /// Bytes that will be sent (after decompression).
  public let size: Int
  /// Opens the bytes at their beginning; called again when the item must be begun anew.
  public let open: () throws(Trouble) -> (_ count: Int) throws(Trouble) -> [UInt8]

  /// Gathers the parts.
  public init(
    id: UInt32, name: String, size: Int,
    open: @escaping () throws(Trouble) -> (_ count: Int) throws(Trouble) -> [UInt8]
  ) {
    self.id = id
    self.name = name
    self.size = size
    self.open = open
  }
}

extension BalongMonitor {
  /// Bytes per block: the common choice, half of what the stick's decoder can hold.
  static var blockSize: Int { 4096 }

  /// Writes one item: 41, its blocks from number 1, 43 (Docs/Protocols/balong-download.md
  /// section 5, step 6).
  ///
  /// A lost or garbled reply means the same block again; a void item is begun anew, at most twice.
  ///
  /// - Parameter progress: called with the bytes acknowledged so far, after every block.
  /// - Throws: ``BalongError``; unless it is `.itemRefused`, the item is incomplete and the stick
  ///   stays in download mode until the item has been written again from its 41.
  public func write(_ item: BalongItem, progress: (Int) async -> Void) async throws(BalongError) {
    guard item.size > 0, let size = UInt32(exactly: item.size) else {
      throw .itemRefused(item: item.name, BalongRefusal(code: 0x05))
    }
    for attempt in 1...3 {
      clearAnomalies()
      try await begin(item, size)
      do {
        let last = try await sendBlocks(of: item, progress)
        if sawAnomaly { try await confirm(last, of: item) }
        try await finish(item, size)
        return
      } catch .blockRefused(let name, let block, let refusal)
        where refusal.voidsTheItem && attempt < 3
      {
        lastRefusal = .blockRefused(item: name, block: block, refusal)
        await progress(0)
      }
    }
  }

  private func begin(_ item: BalongItem, _ size: UInt32) async throws(BalongError) {
    // The stick erases the item before it answers; that takes longer the bigger it is.
    let limit = Duration.seconds(15) + .seconds(item.size / 1_048_576)
    let body = BalongCommand.start(item: item.id, size: size)
    if let refusal = try await exchange(body, "the start of \(item.name)", within: limit, tries: 4)
    {
      throw .itemRefused(item: item.name, refusal)
    }
  }

  /// Sends every block and returns the last one with its number.
  private func sendBlocks(of item: BalongItem, _ progress: (Int) async -> Void)
    async throws(BalongError) -> (number: Int, body: [UInt8])
  {
    let next = try opened(item)
    var sent = 0
    var number = 0
    var body: [UInt8] = []
    while sent < item.size {
      let data = try pulled(next, min(Self.blockSize, item.size - sent), item)
      number += 1
      body = BalongCommand.block(UInt32(truncatingIfNeeded: number), data)
      try await sendBlock(number, body, of: item)
      sent += data.count
      await progress(sent)
    }
    return (number, body)
  }

  private func sendBlock(_ number: Int, _ body: [UInt8], of item: BalongItem)
    async throws(BalongError)
  {
    let step = "block \(number) of \(item.name)"
    if let refusal = try await exchange(body, step, within: .seconds(3), tries: 6) {
      throw .blockRefused(item: item.name, block: number, refusal)
    }
  }

  /// Sends the last block once more after anything odd: a repeated number is acknowledged without
  /// being written, so this tells a lost block from a doubled reply before 43 hides the difference
  /// (the stick does not check the total: section 7).
  private func confirm(_ last: (number: Int, body: [UInt8]), of item: BalongItem)
    async throws(BalongError)
  {
    try await sendBlock(last.number, last.body, of: item)
  }

  private func finish(_ item: BalongItem, _ size: UInt32) async throws(BalongError) {
    let body = BalongCommand.finish(item: item.id, size: size)
    if let refusal = try await exchange(
      body, "the end of \(item.name)", within: .seconds(60), tries: 3)
    {
      throw .blockRefused(item: item.name, block: 0, refusal)
    }
  }

  private func opened(_ item: BalongItem) throws(BalongError)
    -> (_ count: Int) throws(Trouble) -> [UInt8]
  {
    do { return try item.open() } catch { throw .image(error) }
  }

  private func pulled(
    _ next: (_ count: Int) throws(Trouble) -> [UInt8], _ count: Int, _ item: BalongItem
  ) throws(BalongError) -> [UInt8] {
    let data: [UInt8]
    do { data = try next(count) } catch { throw .image(error) }
    guard data.count == count else {
      throw .image(
        Trouble(
          "file.shrank", "\(item.name) ended early: the file changed while it was being sent.",
          advice: ["Copy the file to this computer's own disk and run `modemsmith resume`."],
          aftermath: .needsRescue, exitCode: .needsRescue))
    }
    return data
  }
}
