import Glibc
public import SmithBytes

/// Real files of vendors and recorded dialogues, which are in no repository: tests that want one
/// skip where it is absent.
public enum RealFile {
  /// The file of that name, out of `MODEMSMITH_SHARED` or the folder `shared` beside the checkout;
  /// nil where there is none.
  public static func named(_ name: String) -> SharedBytes? { shared("real/\(name)") }

  /// The recorded dialogues of a vendor, as JSON; nil where there are none.
  public static func dialogues(of vendor: String) -> SharedBytes? {
    shared("protocols/\(vendor)-transcripts.json")
  }

  private static func shared(_ path: String) -> SharedBytes? {
    let root = "\(#filePath)".split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let said = unsafe getenv("MODEMSMITH_SHARED").map { unsafe String(cString: $0) }
    return try? SharedBytes(file: "\(said ?? "\(root)/../shared")/\(path)")
  }
}
