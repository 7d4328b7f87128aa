import Glibc
public import SmithBytes

/// Real files of vendors, which are in no repository: tests that want one skip where it is absent.
public enum RealFile {
  /// The file of that name, out of `MODEMSMITH_SHARED` or the folder `shared` beside the checkout;
  /// nil where there is none.
  public static func named(_ name: String) -> SharedBytes? {
    let root = "\(#filePath)".split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let said = unsafe getenv("MODEMSMITH_SHARED").map { unsafe String(cString: $0) }
    return try? SharedBytes(file: "\(said ?? "\(root)/../shared")/real/\(name)")
  }
}
