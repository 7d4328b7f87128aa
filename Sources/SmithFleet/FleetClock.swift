public import Foundation
public import SmithEngine
import SmithModel
import SmithVendors

extension FleetPolicy.Window {
  /// Whether a moment lies inside, in the calendar's time zone.
  public func holds(_ date: Date, _ calendar: Calendar) -> Bool {
    let parts = calendar.dateComponents([.weekday, .hour, .minute], from: date)
    let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
    // Calendars count from Sunday, people from Monday.
    let today = ((parts.weekday ?? 1) + 5) % 7 + 1
    let yesterday = (today + 5) % 7 + 1
    if from < to { return days.contains(today) && minute >= from && minute < to }
    return days.contains(today) && minute >= from || days.contains(yesterday) && minute < to
  }
}

extension FleetPolicy {
  /// Why no update may begin at this moment on this power; nil if one may.
  public func obstacle(at date: Date, _ calendar: Calendar, on power: PowerState) -> String? {
    if !windows.isEmpty, !windows.contains(where: { $0.holds(date, calendar) }) {
      return "It is not the time that the policy allows."
    }
    if self.power.mains, !power.onMains {
      return "The policy wants mains power, and there is none."
    }
    if let percent = power.batteryPercent, !power.onMains, percent < self.power.leastBattery {
      return "The battery is at \(percent) %; the policy wants \(self.power.leastBattery) %."
    }
    return nil
  }

  /// The orders that mean this stick.
  public func rules(for subject: Subject) -> [Rule] {
    rules.filter { $0.sticks.hold(subject) }
  }
}

extension FleetPolicy.Sticks {
  /// Whether every list that is given holds the stick; what it does not tell, no list holds.
  public func hold(_ subject: Subject) -> Bool {
    func isIn(_ list: [String], _ value: String?) -> Bool {
      guard !list.isEmpty else { return true }
      return value.map { value in list.contains { $0.lowercased() == value.lowercased() } } ?? false
    }
    let isMeant =
      imeiHashes.isEmpty
      || subject.identityHash.map { hash in imeiHashes.contains { hash.hasPrefix($0) } } ?? false
    return isMeant && isIn(models, subject.report.model) && isIn(places, subject.place.description)
  }
}
