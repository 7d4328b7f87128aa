public import SmithModel
public import SmithProtocols

/// What a route is told to write, and where to begin.
public struct FlashJob {
  /// Where the stick is.
  public var place: Place
  /// Product ids for which the file says that it is made; compared before the first write.
  public var products: [String]
  /// Whether a stick that does not say its product id may be written.
  public var allowUnknownProduct: Bool
  /// Signature to announce; nil for an unsigned package.
  public var signature: BalongSignature?
  /// The items, in the order of the file.
  public var items: [BalongItem]
  /// Index of the first item to write: 0, or the interrupted one of an earlier run.
  public var firstItem: Int

  /// Gathers the parts.
  public init(
    place: Place, products: [String], allowUnknownProduct: Bool, signature: BalongSignature?,
    items: [BalongItem], firstItem: Int
  ) {
    self.place = place
    self.products = products
    self.allowUnknownProduct = allowUnknownProduct
    self.signature = signature
    self.items = items
    self.firstItem = firstItem
  }
}

/// Is told of every step before it is taken; a throw means that the step is not taken.
public protocol FlashWitness: AnyObject {
  /// The stick is about to be sent into download mode.
  func willEnter() async throws(Trouble)
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
  /// Something worth a line for people.
  func note(_ text: String) async
}
