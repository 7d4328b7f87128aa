import SmithCLI

@main
enum Main {
  static func main() async {
    await CommandLineFace.run()
  }
}
