import SmithLink
import SmithPorts
import SmithSimulators

/// A host that sends whatever comes: the first byte chooses the stick and whether it is attached
/// properly first; each FF in the input ends a read, and time passes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUSBIP(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  let stick: any USBStickBody =
    choice & 2 == 0
    ? USBStick(HuaweiBalongStick(personality: .e3131), disc: choice & 4 == 0 ? .always : .never)
    : USBStick(SierraStick(.mc7700))
  var shelf = USBIPShelf([stick])
  shelf.plug(0, at: .zero)
  var now = Duration.seconds(20)
  shelf.change(0) { _ = $0.stick.advance(to: now) }
  var session = USBIPSession()
  if choice & 1 == 0 {
    let name: [UInt8] = [0x31, 0x2d, 0x31]
    let hello = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0] + name + [UInt8](repeating: 0, count: 29)
    session.receive(hello, &shelf, at: now)
    precondition(session.slot == 0, "a good import was refused")
  }
  for piece in bytes.dropFirst().split(separator: 0xff, omittingEmptySubsequences: false) {
    session.receive(piece, &shelf, at: now)
    now += .milliseconds(300)
    shelf.change(0) { slot in session.deliver(slot.stick.advance(to: now)) }
    session.follow(shelf, at: now)
    precondition(session.takeOutput().count <= (64 << 20), "an answer without a bound")
    if session.isOver { break }
  }
  session.hangUp(&shelf, at: now)
  session.release(&shelf)
  precondition(!shelf.slots[0].isTaken, "a slot that nobody has stays taken")
  return 0
}
