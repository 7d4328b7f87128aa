#!/usr/bin/env bash
# Builds for release and installs program, manual page and completions.
# Scripts/install.sh DESTDIR PREFIX
set -euo pipefail
cd "$(dirname "$0")/.."
destination=${1-}
prefix=${2:-/usr/local}
root=$destination$prefix

options=(-c release --static-swift-stdlib --product modemsmith)
swift build "${options[@]}"
bin=$(swift build "${options[@]}" --show-bin-path)

# The program looks for its data beside itself, so both go into one folder of their own.
home=$root/libexec/modemsmith
install -d "$home" "$root/bin" "$root/share/man/man1" \
  "$root/share/bash-completion/completions" "$root/share/zsh/site-functions" \
  "$root/share/fish/vendor_completions.d"
install -m 755 "$bin/modemsmith" "$home/modemsmith"
for bundle in "$bin"/modemsmith_Smith*.resources; do
  [ -d "$bundle" ] || continue
  rm -rf "$home/${bundle##*/}"
  cp -R "$bundle" "$home/"
done
ln -sfn ../libexec/modemsmith/modemsmith "$root/bin/modemsmith"
install -m 644 Support/man/modemsmith.1 "$root/share/man/man1/modemsmith.1"
"$home/modemsmith" --generate-completion-script bash \
  >"$root/share/bash-completion/completions/modemsmith"
"$home/modemsmith" --generate-completion-script zsh >"$root/share/zsh/site-functions/_modemsmith"
"$home/modemsmith" --generate-completion-script fish \
  >"$root/share/fish/vendor_completions.d/modemsmith.fish"
# Below a home folder there is nobody to read them.
case $prefix in
  /usr | /usr/*)
    install -D -m 644 Support/udev/70-modemsmith.rules \
      "$destination/usr/lib/udev/rules.d/70-modemsmith.rules"
    ;;
esac
echo "install: $root/bin/modemsmith"
