import Glibc
import Synchronization

/// Memory that an array was moved to; read-only after `init`, which is why sharing it is safe.
@safe final class OwnedMemory: @unchecked Sendable {
  let raw: UnsafeRawBufferPointer

  init(_ bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(bytes.count, 1), alignment: 16)
    unsafe copy.copyBytes(from: bytes)
    unsafe raw = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<bytes.count])
  }

  deinit {
    unsafe raw.deallocate()
  }
}

/// A file that is read in windows of a fixed size.
///
/// The first time that a window is read its fingerprint is kept; a window that has another one
/// later is not what was checked, whatever the file's times say.
final class FileWindows: Sendable {
  /// Some bytes of the file; never changed after they were read.
  @safe final class Window: @unchecked Sendable {
    let start: Int
    /// How many bytes from the start on are what they were; the others may be anything.
    let good: Int
    let raw: UnsafeRawBufferPointer
    var end: Int { unsafe start + raw.count }

    init(start: Int, good: Int, raw: UnsafeRawBufferPointer) {
      self.start = start
      self.good = good
      unsafe self.raw = unsafe raw
    }

    deinit {
      unsafe raw.deallocate()
    }
  }

  private struct State {
    var last: Window?
    /// One for each window; 0 for one that was not read yet.
    var prints: [UInt64]
  }

  /// Bytes of a window: small enough for the processor's cache, large enough that a read costs
  /// little beside what is done with it.
  static let size = 1 << 16

  let count: Int
  /// Whether the file has no name and no other user, so that nothing has to be compared.
  let isPrivate: Bool
  private let descriptor: Int32
  private let mark: FileMark
  private let seed: UInt64
  private let onRead: (@Sendable () -> Void)?
  private let state: Mutex<State>
  private let isTorn = Atomic<Bool>(false)

  convenience init(_ path: String, onRead: (@Sendable () -> Void)?) throws(FileFault) {
    let (descriptor, mark) = try FileMark.open(path)
    self.init(descriptor, mark, isPrivate: false, onRead: onRead)
  }

  /// Takes over the descriptor.
  init(
    _ descriptor: Int32, _ mark: FileMark, isPrivate: Bool, onRead: (@Sendable () -> Void)? = nil
  ) {
    self.descriptor = descriptor
    self.mark = mark
    self.isPrivate = isPrivate
    self.onRead = onRead
    count = mark.size
    // Not known to whoever may write to the file.
    seed = UInt64.random(in: .min ... .max)
    let windows = isPrivate ? 0 : (mark.size + Self.size - 1) / Self.size
    state = Mutex(State(last: nil, prints: [UInt64](repeating: 0, count: windows)))
  }

  deinit {
    close(descriptor)
  }

  var hasChanged: Bool {
    if isTorn.load(ordering: .relaxed) { return true }
    return !isPrivate && FileMark(descriptor) != mark
  }

  /// The window that `position` lies in; empty at the end of the file.
  func window(at position: Int) -> Window {
    let start = min(position, count) & ~(Self.size - 1)
    return state.withLock { state in
      if let last = state.last, last.start == start { return last }
      let window = read(start, &state)
      state.last = window
      return window
    }
  }

  /// Copies a range and says how many bytes of its beginning are what they were.
  func copy(_ range: Range<Int>) -> (bytes: [UInt8], good: Int) {
    var good = range.count
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      if isPrivate {
        let room = UnsafeMutableRawBufferPointer(buffer)
        good = unsafe fill(
          UnsafeMutableRawBufferPointer(rebasing: room[..<range.count]), from: range.lowerBound)
      } else {
        var position = range.lowerBound
        while position < range.upperBound {
          let window = window(at: position)
          let end = min(window.end, range.upperBound)
          let piece = unsafe UnsafeRawBufferPointer(
            rebasing: window.raw[(position - window.start)..<(end - window.start)])
          let room = unsafe UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[(position - range.lowerBound)...])
          unsafe room.copyMemory(from: piece)
          let sound = min(max(window.start + window.good, position), end) - range.lowerBound
          if window.start + window.good < end { good = min(good, sound) }
          position = end
        }
      }
      filled = range.count
    }
    return (bytes, good)
  }

  private func read(_ start: Int, _ state: inout State) -> Window {
    let count = min(Self.size, count - start)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    let used = unsafe UnsafeMutableRawBufferPointer(rebasing: room[..<count])
    let good = unsafe fill(used, from: start)
    let raw = UnsafeRawBufferPointer(used)
    return unsafe Window(start: start, good: isSame(raw, at: start, &state) ? good : 0, raw: raw)
  }

  /// Whether the bytes are what they were at the first look.
  private func isSame(_ bytes: UnsafeRawBufferPointer, at start: Int, _ state: inout State) -> Bool
  {
    let index = start / Self.size
    guard !isPrivate, state.prints.indices.contains(index) else { return true }
    let print = max(1, unsafe Fingerprint.of(bytes, seed: seed))
    if state.prints[index] == 0 { state.prints[index] = print }
    if state.prints[index] == print { return true }
    isTorn.store(true, ordering: .relaxed)
    return false
  }

  /// Reads until the room is full; zeros stand for what is not there. Returns what was read.
  private func fill(_ room: UnsafeMutableRawBufferPointer, from start: Int) -> Int {
    guard let base = room.baseAddress, room.count > 0 else { return 0 }
    onRead?()
    var filled = 0
    while filled < room.count {
      let got = unsafe pread(descriptor, base + filled, room.count - filled, start + filled)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      filled += got
    }
    if filled < room.count {
      isTorn.store(true, ordering: .relaxed)
      _ = unsafe memset(base + filled, 0, room.count - filled)
    }
    return filled
  }
}

/// What tells one state of a file from another.
struct FileMark: Equatable {
  var size: Int
  private var inode: UInt64
  private var modified: [Int]

  /// The state of an open file; nil if it cannot be asked.
  init?(_ descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    size = Int(status.st_size)
    inode = UInt64(status.st_ino)
    modified = [
      status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }

  /// Opens a regular file for reading.
  static func open(_ path: String) throws(FileFault) -> (Int32, FileMark) {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileFault(path: path, errno: errno) }
    var status = stat()
    let isThere = unsafe fstat(descriptor, &status) == 0
    guard isThere, status.st_mode & S_IFMT == S_IFREG, let mark = FileMark(descriptor) else {
      let isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
      let fault = FileFault(path: path, errno: isThere ? (isFolder ? EISDIR : EINVAL) : errno)
      close(descriptor)
      throw fault
    }
    return (descriptor, mark)
  }
}

/// A quick 64-bit fingerprint with a secret seed: for finding changes, not for proving origin.
enum Fingerprint {
  static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    let odd: UInt64 = 0x9e37_79b9_7f4a_7c15
    var lanes = (seed, seed ^ odd, seed &+ odd, ~seed)
    var index = 0
    func word(_ at: Int) -> UInt64 {
      unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    }
    while index + 32 <= bytes.count {
      lanes.0 = mix(lanes.0 ^ word(index), odd)
      lanes.1 = mix(lanes.1 ^ word(index + 8), odd)
      lanes.2 = mix(lanes.2 ^ word(index + 16), odd)
      lanes.3 = mix(lanes.3 ^ word(index + 24), odd)
      index += 32
    }
    var sum = mix(lanes.0 ^ UInt64(bytes.count), odd) ^ lanes.1
    sum = mix(sum, odd) ^ lanes.2
    sum = mix(sum, odd) ^ lanes.3
    while index < bytes.count {
      sum = mix(sum ^ UInt64(unsafe bytes[index]), odd)
      index += 1
    }
    return mix(sum, odd)
  }

  /// A step that can be undone, so that two states that differ stay different.
  private static func mix(_ value: UInt64, _ odd: UInt64) -> UInt64 {
    let product = (value ^ value >> 32) &* odd
    return product << 29 | product >> 35
  }
}

/// The system's own words for an error number.
func systemWords(_ number: Int32) -> String {
  guard let text = unsafe strerror(number) else { return "error \(number)" }
  return unsafe String(cString: text)
}
