public import SmithLink

/// Why a device on USB did not do what it was asked.
public enum UsbError: Error, Equatable, Sendable {
  /// Nothing happened within the limit.
  case silent
  /// The device refused the transfer.
  case stalled
  /// The device left.
  case gone
  /// A driver or a program holds the interface.
  case busy(String?)
  /// The system does not let us open it.
  case notPermitted(String)
  /// The system refused for another reason.
  case broken(String)

  /// The same as an error of a link.
  public var link: LinkError {
    switch self {
    case .silent: .silent
    case .stalled: .broken("the stick refused a transfer")
    case .gone: .gone
    case .busy(let holder): .busy(holder: holder)
    case .notPermitted(let path): .notPermitted(path: path)
    case .broken(let words): .broken(words)
    }
  }
}

/// A control request without data from the computer.
public struct UsbRequest: Equatable, Sendable {
  /// bmRequestType.
  public var type: UInt8
  /// bRequest.
  public var request: UInt8
  /// wValue.
  public var value: UInt16
  /// wIndex.
  public var index: UInt16
  /// How many bytes the device may answer; 0 for a request outwards.
  public var length: Int

  /// Gathers the parts.
  public init(
    type: UInt8, request: UInt8, value: UInt16 = 0, index: UInt16 = 0, length: Int = 0
  ) {
    self.type = type
    self.request = request
    self.value = value
    self.index = index
    self.length = length
  }
}

/// An open device on USB; every call blocks its thread. Small, so that a test can play a device.
public protocol UsbTalk: AnyObject, Sendable {
  /// Takes an interface away from its kernel driver and claims it.
  func claim(_ interface: Int) throws(UsbError)
  /// Gives an interface and, if the device is still there, its kernel driver back.
  func release(_ interface: Int)
  /// Takes an interface away from its kernel driver for good.
  func detachDriver(_ interface: Int) throws(UsbError)
  /// Sends to a bulk endpoint; returns how many bytes were taken.
  func send(_ bytes: [UInt8], to endpoint: UInt8, within limit: Duration) throws(UsbError) -> Int
  /// Receives at most `count` bytes from a bulk endpoint.
  func receive(_ count: Int, from endpoint: UInt8, within limit: Duration) throws(UsbError)
    -> [UInt8]
  /// Makes a control request; returns what the device answered.
  func control(_ request: UsbRequest, within limit: Duration) throws(UsbError) -> [UInt8]
  /// Lets a stalled endpoint go on.
  func clearHalt(_ endpoint: UInt8) throws(UsbError)
  /// Chooses a configuration; -1 for none.
  func setConfiguration(_ value: Int) throws(UsbError)
  /// Chooses an alternate setting of a claimed interface.
  func setAlternate(_ alternate: Int, of interface: Int) throws(UsbError)
  /// Resets the device.
  func reset() throws(UsbError)
}
