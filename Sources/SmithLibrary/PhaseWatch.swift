public import SmithEngine
public import SmithModel
import Synchronization

/// Stands between the engine and the owner, passes everything on, and measures the phases.
public final class PhaseWatch: Owner {
  private struct State {
    var times: [PhaseTime] = []
    var current: (phase: Phase, since: Duration)?
  }

  private let owner: any Owner
  private let now: @Sendable () -> Duration
  private let state = Mutex(State())

  /// - Parameters:
  ///   - owner: who is really asked and told.
  ///   - now: a clock that never goes back.
  public init(_ owner: any Owner, now: @escaping @Sendable () -> Duration = PhaseWatch.uptime) {
    self.owner = owner
    self.now = now
  }

  /// Time since the program's start.
  public static let uptime: @Sendable () -> Duration = {
    let start = ContinuousClock.now
    return { ContinuousClock.now - start }
  }()

  /// Whether the owner asked to stop.
  public var wantsToStop: Bool { owner.wantsToStop }

  /// Asks the owner; the time until the answer belongs to no phase.
  public func consent(to plan: CheckedPlan) async -> Consent? {
    close()
    return await owner.consent(to: plan)
  }

  /// Notes when a phase begins, and passes the event on.
  public func hear(_ event: UpdateEvent) async {
    if case .phase(let phase, _) = event {
      close()
      let begins = now()
      state.withLock { $0.current = (phase, begins) }
    }
    await owner.hear(event)
  }

  /// The phases until now, in their order.
  public func finish() -> [PhaseTime] {
    close()
    return state.withLock { $0.times }
  }

  private func close() {
    let ends = now()
    state.withLock { state in
      guard let current = state.current else { return }
      let took = ends - current.since
      state.times.append(
        PhaseTime(
          current.phase,
          Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18))
      state.current = nil
    }
  }
}
