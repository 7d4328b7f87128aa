import SmithAT
import SmithLink
import SmithModel
import SmithProtocols

/// The way from normal mode into download mode (Docs/Protocols/balong-download.md section 3).
struct BalongEntry {
  private let session: ATSession

  init(_ link: any ByteLink) {
    session = ATSession(link: link)
  }

  /// `AT^NVBACKUP`: whether the stick saved its NV area.
  func backUpNV() async throws(ATError) -> Bool {
    let answer = try await session.send("AT^NVBACKUP", within: .seconds(15))
    return answer.isOK && (answer.lines.isEmpty || answer.lines.contains("0"))
  }

  /// `AT^GODLOAD`, after `AT^SFM=1` where the stick wants factory mode first; then waits until
  /// the port vanishes. A port that stays is no error here: the next probe finds out.
  ///
  /// - Returns: whether the stick took the command.
  func goToDownload() async throws(ATError) -> Bool {
    do {
      var answer = try await session.send("AT^GODLOAD", within: .seconds(5))
      if !answer.isOK {
        _ = try await session.send("AT^SFM=1", within: .seconds(5))
        answer = try await session.send("AT^GODLOAD", within: .seconds(5))
      }
      guard answer.isOK else { return false }
    } catch .link(.gone) {
      return true
    } catch .silent {
      // Some firmwares restart before they answer.
    }
    for _ in 0..<50 {
      do {
        _ = try await session.link.receive(within: .milliseconds(200))
      } catch .gone {
        return true
      } catch .silent {
        continue
      } catch {
        throw .link(error)
      }
    }
    return true
  }
}
