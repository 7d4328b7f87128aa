import SmithFormats
import SmithLink
import SmithModel

/// Into the loader of a Qualcomm-era Huawei stick, as far as that is known
/// (Docs/Protocols/huawei-qualcomm.md section 2).
struct QualcommRoute {
  private let bus: any Bus
  private let witness: any FlashWitness

  /// The capture waits 25 seconds; a stick on a slow hub gets as long again.
  static var returnLimit: Duration { .seconds(50) }

  init(bus: any Bus, witness: any FlashWitness) {
    self.bus = bus
    self.witness = witness
  }

  /// Does every step that is known; the trouble says how that ended. Nothing is ever written.
  func look(_ job: FlashJob, over link: any ByteLink) async -> Trouble {
    do throws(Trouble) {
      var link = link
      if job.state == .normal {
        try await enter(job, over: link)
        // The id of the loader is not known: it may come back with the firmware's.
        link = try await bus.openDownload(at: job.place, within: Self.returnLimit)
      }
      let said = try await ask(job, over: link)
      return HuaweiQualcomm.knowledgeEnds(said)
    } catch { return error }
  }

  /// Steps 1 to 7; closes the link. A stick that did not go gets its AT port back.
  private func enter(_ job: FlashJob, over link: any ByteLink) async throws(Trouble) {
    do throws(Trouble) {
      guard job.policy.experimental else { throw Self.noConsent }
      try await witness.willEnter()
      do throws(QualcommEntryError) {
        let said = try await QualcommEntry.openDiag(over: link)
        await witness.note(
          "DIAG answers: firmware \(said.firmware?.text ?? "not told"), hardware"
            + " \(said.hardware ?? "not told").")
        try await QualcommEntry.enter(over: link, ExperimentalConsent(how: "--experimental"))
      } catch .link(let error) {
        throw error.trouble
      } catch {
        try? await QualcommEntry.closeDiag(over: link)
        throw error.trouble
      }
    } catch {
      await link.close()
      throw error
    }
    await link.close()
  }

  /// Steps 8 to 10; closes the link.
  private func ask(_ job: FlashJob, over link: any ByteLink) async throws(Trouble)
    -> QualcommLoaderSaid
  {
    do throws(Trouble) {
      let said: QualcommLoaderSaid
      do throws(QualcommEntryError) { said = try await QualcommEntry.loader(over: link) } catch {
        throw error.trouble
      }
      try await witness.didEnter(product: said.product)
      await witness.note(
        "The loader is \(said.loader); its product is \(said.product ?? "not told").")
      let made = job.image.claims.products
      if let product = said.product, !made.isEmpty,
        !made.allSatisfy({ BalongProduct.matches($0, product) })
      {
        throw BalongProduct.mismatch(stick: product, file: made, aftermath: .stillBoots)
      }
      await link.close()
      return said
    } catch {
      await link.close()
      throw error
    }
  }

  private static let noConsent = Trouble(
    "plan.experimental", "The way into this stick's loader rests on one capture.",
    advice: ["Leave the stick as it is; or accept the risk with `--experimental`."],
    exitCode: .refused)
}
