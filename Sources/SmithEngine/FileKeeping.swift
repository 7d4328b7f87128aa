import Foundation
public import SmithBytes
public import SmithModel

/// How the bytes of a firmware file are kept between the moment they are checked and the moment
/// they are sent (Docs/Decisions/0013-what-was-checked-is-what-is-sent.md).
public enum FileKeeping: Sendable, Equatable {
  /// Read from the owner's file each time; bytes that changed since are never sent, and the
  /// update ends there.
  case asItIs
  /// Read from a copy without a name in this folder, so that it does not matter what becomes of
  /// the file. Without room for one, as `asItIs`.
  case copied(in: String)

  /// Opens a file.
  ///
  /// - Throws: `file.unreadable`, and `file.changed` if it changed while it was copied.
  public func open(_ path: String) throws(Trouble) -> SharedBytes {
    if case .copied(let folder) = self {
      do {
        return try SharedBytes(privateCopyOf: path, in: folder)
      } catch {
        switch error {
        case .source(let fault): throw Self.unreadable(path, fault)
        case .changed: throw Self.changed(path)
        // The weaker way is still one in which no byte leaves that was not checked.
        case .room: break
        }
      }
    }
    do { return try SharedBytes(file: path) } catch { throw Self.unreadable(path, error) }
  }

  static func unreadable(_ path: String, _ fault: FileFault) -> Trouble {
    Trouble(
      "file.unreadable", "\(path) cannot be read: \(fault.reason).",
      advice: ["Check the path and that you may read the file."], exitCode: .badFile)
  }

  /// What is thrown for a file that changed under our eyes.
  public static func changed(_ path: String) -> Trouble {
    Trouble(
      "file.changed", "\(path) changed while it was being read.",
      advice: [
        "Wait until the download or copy of the file is complete, then repeat the command.",
        "Put the file on this computer's own disk if it lies on a network drive.",
      ], exitCode: .badFile)
  }
}
