import CArchiveReader
import Glibc
import SmithBytes

/// The process that reads one archive, as we see it: frames come, orders go, and its memory and
/// its end are ours (Docs/Decisions/0017-archives-in-a-process-of-their-own.md).
///
/// Nothing that it says is believed: whoever made the archive may speak through it.
@safe final class ReaderProcess {
  /// One message of the process.
  struct Frame: Equatable {
    var kind: UInt32
    var flags: UInt32
    var first: Int64
    var second: Int64
    var text: [UInt8]
  }

  /// Why nothing comes from it any more.
  enum Fault: Error, Equatable {
    /// It ended, with this status if that is known.
    case ended(Int32?)
    /// It said what it never says.
    case lied(String)
    /// The time is over.
    case overdue
    /// The system gives us no process.
    case noProcess(Int32)
  }

  /// Bytes of memory that reading one archive may take.
  static let memory = 1 << 30
  /// How long its first frame may take, at one attempt after the other: it has nothing to do
  /// before, but the computer may be busy.
  private static let patience: [Duration] = [
    .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8),
  ]
  /// Milliseconds between two looks at the clock while nothing comes.
  private static let slice: Int32 = 50

  /// Its number; 0 once it is gone.
  private(set) var process: pid_t
  let socket: Int32
  /// Memory that the process may write to at any time: each byte is looked at once.
  private let region: UnsafeMutableRawBufferPointer
  /// Whether system calls are filtered, and whether it can open files all the same.
  private(set) var isFiltered = false
  private(set) var canOpenFiles = false

  /// Starts a process for an archive.
  ///
  /// - Parameter isOver: whether the time is over.
  static func start(
    _ kind: ArchiveFound.Kind, size: Int, memory: Int, seconds: Int, isOver: () -> Bool
  ) throws(Fault) -> ReaderProcess {
    var last = Fault.overdue
    for patience in patience {
      var task = smith_task(
        kind: kind.number, size: Int64(size), memory: UInt64(memory), seconds: UInt64(seconds))
      var reader = unsafe smith_reader()
      let failure = unsafe smith_reader_start(&task, &reader)
      guard failure == 0 else { throw .noProcess(failure) }
      let process = unsafe ReaderProcess(
        reader.process, socket: reader.socket, region: UnsafeMutableRawPointer(reader.region))
      do throws(Fault) {
        let end = monotonicNow() + patience
        try process.greet { isOver() || monotonicNow() > end }
        return process
      } catch {
        if isOver() { throw .overdue }
        last = error
      }
    }
    throw last
  }

  /// Takes over a process, its socket and its region.
  init(_ process: pid_t, socket: Int32, region: UnsafeMutableRawPointer?) {
    self.process = process
    self.socket = socket
    unsafe self.region = UnsafeMutableRawBufferPointer(
      start: region, count: unsafe region == nil ? 0 : smith_region_size)
  }

  deinit {
    _ = smith_reader_reap(process)
    close(socket)
    if let base = unsafe region.baseAddress { unsafe munmap(base, region.count) }
  }

  /// Ends it, if it did not end by itself; nil if nobody knows how.
  @discardableResult func end() -> Int32? {
    let status = smith_reader_reap(process)
    process = 0
    return status < 0 ? nil : status
  }

  /// Takes the first frame.
  private func greet(isOver: () -> Bool) throws(Fault) {
    let frame = try receive(isOver: isOver)
    guard frame.kind == smith_frame_hello.rawValue else { throw .lied("no greeting") }
    isFiltered = frame.flags & UInt32(smith_is_filtered) != 0
    canOpenFiles = frame.flags & UInt32(smith_can_open) != 0
  }

  /// Waits for the next frame, whatever the process does meanwhile.
  func receive(isOver: () -> Bool) throws(Fault) -> Frame {
    while true {
      var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&wait, 1, Self.slice)
      if ready > 0 { return try take() }
      if isOver() { throw .overdue }
    }
  }

  private func take() throws(Fault) -> Frame {
    let limit = smith_frame_head + smith_frame_text
    // Room for one byte more than a frame may have.
    return try unsafe withUnsafeTemporaryAllocation(byteCount: limit + 1, alignment: 8) {
      buffer throws(Fault) -> Frame in
      var count = unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      while count < 0, errno == EINTR {
        count = unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      }
      // Nothing is sent without a byte in it, so that nothing is the end.
      guard count > 0 else { throw .ended(end()) }
      guard (smith_frame_head...limit).contains(count) else {
        throw .lied("a frame of \(count) bytes")
      }
      let text = unsafe UnsafeRawBufferPointer(
        rebasing: UnsafeRawBufferPointer(buffer)[smith_frame_head..<count])
      return unsafe Frame(
        kind: buffer.load(as: UInt32.self), flags: buffer.load(fromByteOffset: 4, as: UInt32.self),
        first: buffer.load(fromByteOffset: 8, as: Int64.self),
        second: buffer.load(fromByteOffset: 16, as: Int64.self), text: [UInt8](text))
    }
  }

  /// Sends an order; never waits, for an honest process has at most a few of them before it.
  func order(_ order: smith_order, _ value: Int = 0) throws(Fault) {
    let parts = (order.rawValue, UInt32(0), Int64(value))
    let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
    let sent = unsafe withUnsafeBytes(of: parts) {
      unsafe send(socket, $0.baseAddress, smith_order_size, flags)
    }
    if sent == smith_order_size { return }
    if sent < 0, errno == EAGAIN { throw .lied("it does not listen") }
    throw .ended(end())
  }

  /// Puts bytes of the archive where the process finds them.
  func give(_ bytes: [UInt8]) throws(Fault) {
    let count = min(bytes.count, smith_input_size)
    if unsafe !region.isEmpty { unsafe region.copyBytes(from: bytes[..<count]) }
    try order(smith_order_given, count)
  }

  /// The bytes of a slot; nil if it has fewer.
  func slot(_ number: Int, count: Int64) -> UnsafeRawBufferPointer? {
    let start = smith_input_size + number * smith_slot_size
    guard (0...Int64(smith_slot_size)).contains(count),
      unsafe start + Int(count) <= region.count
    else {
      return nil
    }
    return unsafe UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(region)[start..<(start + Int(count))])
  }
}

extension ArchiveFound.Kind {
  fileprivate var number: UInt32 {
    switch self {
    case .zip: smith_kind_zip.rawValue
    case .sevenZip: smith_kind_seven_zip.rawValue
    case .rar: smith_kind_rar.rawValue
    case .cab: smith_kind_cab.rawValue
    case .tar: smith_kind_tar.rawValue
    case .iso: smith_kind_iso.rawValue
    case .compressed: smith_kind_compressed.rawValue
    }
  }
}
