public import SmithModel

/// Is told of every step before it is taken; a throw means that the step is not taken.
public protocol FlashWitness: AnyObject {
  /// The stick is about to be sent into download mode.
  func willEnter() async throws(Trouble)
  /// Whether a number that a port gives now is that of the stick this job began with: another one
  /// may stand at its place after a replug, or behind a port that was named.
  ///
  /// - Returns: nil if that cannot be told, because either number is unknown.
  func recognises(_ imei: IMEI?) async -> Bool?
  /// The stick waits in download mode and fits the file.
  func didEnter(product: String?) async throws(Trouble)
  /// The first byte of an item is about to be sent: a one-way door.
  func willWrite(item: Int) async throws(Trouble)
  /// The item is complete.
  func didWrite(item: Int) async throws(Trouble)
  /// All items are complete; the stick is about to be restarted.
  func willLeave() async throws(Trouble)
  /// Bytes of this item that the stick acknowledged.
  func wrote(_ bytes: Int, of item: Int) async
  /// All of an item may have arrived without a word that it is complete: the stick may start.
  func mayBeWhole(item: Int) async
  /// Something worth a line for people.
  func note(_ text: String) async
}

extension FlashWitness {
  /// By default a stick starts from nothing before its last item is complete.
  public func mayBeWhole(item: Int) async {}
}
