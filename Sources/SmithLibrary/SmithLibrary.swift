import SmithModel
