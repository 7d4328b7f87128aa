extension TroubleCodes {
  /// Pages that were written before the code that raises them. A code that is raised has to leave
  /// this list, and a page has to be in the source or here.
  static let pagesAhead: Set<String> = []
}
