import SmithLink
import SmithModel

/// Troubles of links, where a wait has already been spent.
enum LinkErrorTrouble {
  static var silent: Trouble { LinkError.silent.trouble }
}
