import Foundation

/// What is known of models before a stick is asked: one JSON5 file per family.
public struct DeviceCatalogue: Sendable, Codable, Equatable {
  /// One board family: everything that takes the same packages.
  public struct Family: Sendable, Codable, Equatable {
    /// Chip generation.
    public var chip: String
    /// Download product id.
    public var product: String
    /// Beginnings of the model names.
    public var models: [String]
    /// Beginnings of the hardware texts; they decide where two families share a model name.
    public var boards: [String]
    /// Beginnings of model names and hardware texts that look alike and are not meant.
    public var except: [String]?

    func excludes(model: String?, hardware: String?) -> Bool {
      (except ?? []).contains { beginning in
        model?.uppercased().hasPrefix(beginning) == true || hardware?.hasPrefix(beginning) == true
      }
    }
  }

  /// Whose sticks these are.
  public var vendor: String
  /// The route that updates them.
  public var route: String
  /// What the support rests on: `simulator` or `hardware`.
  public var evidence: String
  /// The families.
  public var families: [Family]

  /// The catalogue of Huawei's Balong sticks.
  public static let huaweiBalong = decode(PackageResources.huawei_balong_json5)

  /// Product ids that a stick with this model and hardware text can have; empty if not known.
  public func products(model: String?, hardware: String?) -> [String] {
    let families = families.filter { !$0.excludes(model: model, hardware: hardware) }
    if let hardware {
      let byBoard = families.filter { $0.boards.contains { hardware.hasPrefix($0) } }
      let narrowed = byBoard.filter { family in
        guard let model else { return true }
        return family.models.contains { model.uppercased().hasPrefix($0) }
      }
      if !narrowed.isEmpty { return narrowed.map(\.product) }
    }
    guard let model = model?.uppercased() else { return [] }
    return families.filter { $0.models.contains { model.hasPrefix($0) } }.map(\.product)
  }

  /// Whether the monitor of these products may not know AT^DATAMODE: true for V3 chips, and for
  /// products of which nothing is known (Docs/Protocols/balong-download.md section 5).
  func mayLackDataMode(_ products: [String]) -> Bool {
    let known = families.filter { family in
      products.contains { BalongProduct.matches($0, family.product) }
    }
    return known.allSatisfy { $0.chip.hasPrefix("Balong V3") }
  }

  /// Reads a catalogue; a broken one knows nothing, which a test of the built-in ones rules out.
  static func decode(_ bytes: [UInt8]) -> DeviceCatalogue {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    let read = try? decoder.decode(DeviceCatalogue.self, from: Data(bytes))
    return read ?? DeviceCatalogue(vendor: "", route: "", evidence: "simulator", families: [])
  }
}
