import SmithLink
