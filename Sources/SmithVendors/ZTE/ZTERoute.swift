import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols

/// Download mode, loader, table, images, restart (Docs/Protocols/qualcomm-nand.md section 5).
struct ZTERoute {
  let bus: any Bus
  let witness: any FlashWitness
  let job: FlashJob
  let package: NANDPackage

  /// Pieces under way at once; an image that fails so is written again one by one.
  private static var window: Int { 32 }
  private static var triesPerImage: Int { 3 }

  /// Does the whole job up to the restart. The one-way door of an image is its opening: until
  /// then only memory was touched.
  func flash(over link: any ByteLink) async throws(Trouble) {
    var link = link
    if job.state == .normal {
      await link.close()
      link = try await enter()
    }
    let session: StreamingSession
    (link, session) = try await startLoader(over: link)
    do throws(Trouble) {
      try await agree(session)
      try await witness.didEnter(product: package.loader.chip)
      for index in job.image.segments.indices.dropFirst(job.firstItem) {
        try await witness.willWrite(item: index)
        try await write(index, over: session)
        try await witness.didWrite(item: index)
      }
      try await witness.willLeave()
      // Everything is closed: whether the answer comes or not, the stick itself is asked next.
      try? await session.reset()
    } catch {
      await link.close()
      throw error
    }
    await link.close()
  }

  // MARK: Into the loader

  private func enter() async throws(Trouble) -> any ByteLink {
    try checkChip(try await ZTEDownload.version(at: job.place, on: bus))
    try await witness.willEnter()
    return try await ZTEDownload.enterDownload(at: job.place, on: bus, watched: witness)
  }

  private func checkChip(_ version: DiagVersion) throws(Trouble) {
    try ZTEMismatch.checkChip(package, version)
  }

  /// Puts the loader into memory, unless it runs already. Uploading again is harmless, and a
  /// silent start is no failure: only the loader's own answer counts.
  private func startLoader(over first: any ByteLink) async throws(Trouble)
    -> (any ByteLink, StreamingSession)
  {
    var link = first
    var last = DLOADError.silent(step: "start").trouble
    var isOurs = false
    for _ in 0..<3 {
      do throws(Trouble) {
        switch try await phase(link) {
        case .loader:
          let session = StreamingSession(link)
          try await greet(session, isFresh: isOurs)
          return (link, session)
        case .download:
          try await upload(over: link)
          isOurs = true
        default: break
        }
      } catch {
        // A refused address or a vanished port does not get better.
        if error.code != "dload.silent", error.code != "streaming.silent" {
          await link.close()
          throw error
        }
        last = error
      }
      await link.close()
      await bus.pause(.milliseconds(500))
      guard let next = await ZTEDownload.waiting(at: job.place, on: bus, within: .seconds(15))
      else {
        throw last
      }
      link = next
    }
    await link.close()
    throw last
  }

  private func phase(_ link: any ByteLink) async throws(Trouble) -> QualcommPhase {
    do { return try await QualcommPhase.probe(link) } catch { throw error.trouble }
  }

  private func greet(_ session: StreamingSession, isFresh: Bool) async throws(Trouble) {
    do {
      let hello = try await session.hello()
      await witness.note("The loader runs; the flash chip is \(hello.flashName).")
      // A run that was killed may have left an image open.
      if !isFresh { try await session.closeLeftOpen() }
    } catch { throw error.trouble }
  }

  private func upload(over link: any ByteLink) async throws(Trouble) {
    do throws(DLOADError) {
      let session = DLOADSession(link)
      try await session.knock()
      let most = try await session.parameters().mostData
      await witness.note("Putting the loader into the stick's memory.")
      try await session.upload(package.loader.bytes, at: package.loader.base, mostData: most)
      try await session.go(package.loader.entry)
    } catch .link(_, .gone) {
      // The loader may come up as a new device before its start is answered.
      return
    } catch { throw error.trouble }
  }

  private func agree(_ session: StreamingSession) async throws(Trouble) {
    do {
      try await session.security()
      try await session.accept(package.table)
    } catch { throw error.trouble }
  }

  // MARK: One image

  private func write(_ index: Int, over session: StreamingSession) async throws(Trouble) {
    let segment = job.image.segments[index]
    guard let target = StreamingTarget(imageID: segment.id) else {
      throw StreamingError.protectedPartition(segment.name).trouble
    }
    for attempt in 1...Self.triesPerImage {
      var position = 0
      do throws(StreamingError) {
        try await session.write(
          target, size: segment.size, window: attempt == 1 ? Self.window : 1,
          next: { count in
            let bytes = segment.stored.intact(position..<(position + count))
            position += bytes.count
            // What was not checked is not sent; the session then says that the image ended.
            return segment.stored.hasChanged ? [] : bytes
          },
          progress: {
            await witness.wrote($0, of: index)
            // Each image starts by itself once its last page is there, closed or not.
            if $0 == segment.size { await witness.mayBeWhole(item: index) }
          })
        return
      } catch {
        guard attempt < Self.triesPerImage, error.isWorthAnotherTry else { throw error.trouble }
        // What went unanswered may have arrived all the same.
        await witness.mayBeWhole(item: index)
        await witness.note("\(segment.name) begins again: \(error.trouble.summary)")
      }
      do { try await session.closeLeftOpen() } catch { throw error.trouble }
    }
  }
}

extension StreamingError {
  /// Whether the same image from its start may come to a better end: what was lost or damaged on
  /// the cable, not what the loader or the file is.
  fileprivate var isWorthAnotherTry: Bool {
    switch self {
    case .silent, .unexpected, .wrongAddress: true
    case .refused(_, let code, _): [4, 7, 0x0a, 0x0f, 0x10].contains(code)
    default: false
    }
  }
}

extension StreamingTarget {
  /// The image of that boot header id (Docs/Protocols/qualcomm-nand.md section 3).
  init?(imageID: UInt32) {
    switch imageID {
    case 2: self = .amss
    case 5: self = .appsbl
    case 6: self = .apps
    case 8: self = .dsp1
    case 9: self = .fsbl
    case 0x0b: self = .osbl
    case 0x0c: self = .dsp2
    default: return nil
    }
  }
}
