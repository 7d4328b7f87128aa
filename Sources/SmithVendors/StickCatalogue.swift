import Foundation
public import SmithModel

/// Models and USB ids of one maker, from a JSON5 file: what is known before a stick is asked.
public struct StickCatalogue: Sendable, Codable, Equatable {
  /// One model or a line of them.
  public struct Model: Sendable, Codable, Equatable {
    /// Beginnings of the model text, upper case.
    public var names: [String]
    /// `serial`, `page` or `both`.
    public var kind: String
    /// Where the page is by default; nil without one.
    public var address: String?
    /// What the support rests on: `simulator` or `hardware`.
    public var evidence: String
  }

  /// One id and the mode that it stands for.
  public struct Identity: Sendable, Codable, Equatable {
    /// `first-stage`, `modem`, `service`, `network`, `download` or `emergency`.
    public var mode: String
    /// Four hexadecimal digits, a colon, four more.
    public var ids: [String]
    /// Interface of the first AT port, where it is known.
    public var at: Int?
    /// Evidence mark of the protocol page.
    public var mark: String
  }

  /// Vendor in lower case.
  public var vendor: String
  /// Models; the first that fits counts.
  public var models: [Model]
  /// Ids; an id may stand for several modes.
  public var identities: [Identity]

  /// The model that a text names.
  public func model(_ text: String?) -> Model? {
    guard let text = text?.uppercased() else { return nil }
    return models.first { $0.names.contains { text.hasPrefix($0) } }
  }

  /// Modes that an id can stand for.
  public func modes(of id: USBID) -> [Identity] {
    identities.filter { $0.ids.contains(id.description) }
  }

  /// Reads a catalogue; a broken one knows nothing, which a test of the built-in ones rules out.
  static func decode(_ bytes: [UInt8]) -> StickCatalogue {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    let read = try? decoder.decode(StickCatalogue.self, from: Data(bytes))
    return read ?? StickCatalogue(vendor: "", models: [], identities: [])
  }
}

/// ZTE's models (Docs/Protocols/zte-at.md sections 1 and 2).
public enum ZTECatalogue {
  /// The built-in file.
  public static let all = StickCatalogue.decode(PackageResources.zte_json5)

  /// Whether a model serves a page.
  public static func hasPage(_ model: String?) -> Bool {
    all.model(model).map { $0.kind != "serial" } ?? false
  }
}

/// Alcatel's models (Docs/Protocols/alcatel-at.md sections 1 and 2).
public enum AlcatelCatalogue {
  /// The built-in file.
  public static let all = StickCatalogue.decode(PackageResources.alcatel_json5)

  /// Whether a model serves a page.
  public static func hasPage(_ model: String?) -> Bool {
    all.model(model).map { $0.kind != "serial" } ?? false
  }
}
