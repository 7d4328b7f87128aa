/// The operator lock (Docs/Protocols/huawei-codes.md sections 5 and 6).
extension HuaweiBalongStick {
  private var lock: SimulatedLock {
    get {
      SimulatedLock(
        status: flash.nv.lockStatus, tries: flash.nv.lockTries, isOpenForNow: isOpenForNow,
        right: options.unlockCode, opensForNow: options.unlocksUntilPowerOff,
        wrongHashCostsTry: options.wrongHashCostsTry)
    }
    set {
      flash.nv.lockStatus = newValue.status
      flash.nv.lockTries = newValue.tries
      isOpenForNow = newValue.isOpenForNow
    }
  }

  /// What AT^CARDLOCK? says: a locked stick needs no code for its own operator's SIM.
  var shownLockStatus: Int { options.sim == .home ? lock.withHomeSIM : lock.shown }

  mutating func unlock(_ argument: Substring) -> Answer {
    lock.enter(argument).map { Answer.code($0) } ?? .lines([])
  }

  mutating func resetCounter(_ argument: Substring) -> Answer {
    guard options.knowsCounterReset else { return .error }
    return lock.reset(argument).map { Answer.code($0) } ?? .lines([])
  }
}

/// One lock: what survives without power, what does not, and what it takes.
struct SimulatedLock: Equatable, Sendable {
  /// 1 code needed, 2 open, 3 blocked for good.
  var status: Int
  var tries: Int
  /// Unlocked in memory only.
  var isOpenForNow: Bool
  var right: String?
  var opensForNow: Bool
  var wrongHashCostsTry: Bool

  /// The status with a foreign SIM.
  var shown: Int { status == 1 && isOpenForNow ? 2 : status }
  /// The status with the operator's own SIM.
  var withHomeSIM: Int { status == 1 ? 2 : status }

  /// `"12345678"`: ten wrong codes block the stick for good. Nil for OK, else the CME error.
  mutating func enter(_ argument: Substring) -> Int? {
    let code = argument.dropFirst().dropLast()
    guard argument.first == "\"", argument.last == "\"", code.count == 8,
      code.allSatisfy({ $0.isASCII && $0.isNumber })
    else { return 3 }
    guard status == 1, tries > 0 else { return 3 }
    if let right, code == right {
      if opensForNow {
        isOpenForNow = true
      } else {
        status = 2
        tries = 10
      }
      return nil
    }
    costTry()
    return 16
  }

  /// `"<hash>"`: the right code's hash sets the tries back, and the lock stays.
  mutating func reset(_ argument: Substring) -> Int? {
    let hash = argument.dropFirst().dropLast()
    guard argument.first == "\"", argument.last == "\"", hash.count == 32, status != 2 else {
      return 3
    }
    if let right, hash == SimulatedMD5.hex([UInt8](right.utf8)) {
      status = 1
      tries = 10
      return nil
    }
    if wrongHashCostsTry, tries > 0 { costTry() }
    return 16
  }

  private mutating func costTry() {
    tries -= 1
    if tries == 0 { status = 3 }
  }
}

/// MD5 of RFC 1321, for sticks that compare a code's hash; apart from the host's own.
enum SimulatedMD5 {
  /// Thirty-two lower-case hexadecimal digits.
  static func hex(_ message: [UInt8]) -> String {
    var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
    var bytes = message + [0x80]
    while bytes.count % 64 != 56 { bytes.append(0) }
    let bits = UInt64(message.count) &* 8
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift * 8))) }
    for start in stride(from: 0, to: bytes.count, by: 64) {
      let words = (0..<16).map { index in
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + index * 4 + $1]) << UInt32($1 * 8) }
      }
      let mixed = round(state, words)
      for index in 0..<4 { state[index] = state[index] &+ mixed[index] }
    }
    return state.map { word in
      (0..<4).map { index in
        let digits = String(UInt8(truncatingIfNeeded: word >> UInt32(index * 8)), radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
    }.joined()
  }

  private static let shifts: [[UInt32]] = [
    [7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21],
  ]
  private static let sines: [UInt32] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613,
    0xfd46_9501, 0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193,
    0xa679_438e, 0x49b4_0821, 0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d,
    0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8, 0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a, 0xfffa_3942, 0x8771_f681, 0x6d9d_6122,
    0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70, 0x289b_7ec6, 0xeaa1_27fa,
    0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665, 0xf429_2244,
    0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb,
    0xeb86_d391,
  ]

  private static func round(_ state: [UInt32], _ words: [UInt32]) -> [UInt32] {
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    for index in 0..<64 {
      let mix: UInt32
      let word: Int
      switch index / 16 {
      case 0: (mix, word) = ((b & c) | (~b & d), index)
      case 1: (mix, word) = ((d & b) | (~d & c), (5 * index + 1) % 16)
      case 2: (mix, word) = (b ^ c ^ d, (3 * index + 5) % 16)
      default: (mix, word) = (c ^ (b | ~d), 7 * index % 16)
      }
      let sum = a &+ mix &+ sines[index] &+ words[word]
      let shift = shifts[index / 16][index % 4]
      (a, d, c, b) = (d, c, b, b &+ (sum << shift | sum >> (32 - shift)))
    }
    return [a, b, c, d]
  }
}
