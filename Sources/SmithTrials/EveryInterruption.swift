import SmithBench

extension Trial {
  /// Runs it once for each send of the calm run and unplugs there, before the bytes arrive and
  /// after.
  ///
  /// - Parameters:
  ///   - deliveries: whether the bytes arrive first.
  ///   - judge: hears where the cut was, in words, and what came of it.
  /// - Returns: how many sends the calm run has.
  public func cutAtEverySend(
    afterDelivery deliveries: [Bool] = [false, true], _ judge: (String, Outcome) -> Void
  ) async -> Int {
    let sends = await run().sends
    for send in 1...max(1, sends) {
      for isDelivered in deliveries {
        var trial = self
        trial.weather.unplugAtSend = send
        trial.weather.unplugAfterDelivery = isDelivered
        judge("cut at send \(send)\(isDelivered ? ", delivered" : "")", await trial.run())
      }
    }
    return sends
  }

  /// Runs it once for each journal record of the calm run and kills the host behind it.
  ///
  /// - Parameter judge: hears the number of the record and what came of it.
  /// - Returns: how many records the calm run has.
  public func crashAfterEveryRecord(_ judge: (Int, Outcome) -> Void) async -> Int {
    let records = await run().records
    for record in 1...max(1, records) {
      var trial = self
      trial.crashAfterRecord = record
      judge(record, await trial.run())
    }
    return records
  }
}
