#!/bin/bash
# Unpacks the fetched packages and makes the guest's file system: a base archive that is kept, and
# a small one on top with our program and the scenarios. No root needed; nothing is installed.
set -euo pipefail
lab=${1:?folder of the lab}
binary=${2:?the modemsmith program}
here=$(cd "$(dirname "$0")" && pwd)
tree=$lab/tree
stamp=$(basename "$(echo "$lab"/debs/.complete-*)")
libs=$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu
# The packages' own programs run with their own libraries, whatever system this is.
of_tree() { local name=$1; shift; "$tree/lib64/ld-linux-x86-64.so.2" --library-path "$libs" "$tree/$name" "$@"; }

if [[ ! -e $lab/$stamp.tree ]]; then
  rm -rf "$tree" && mkdir -p "$tree"/usr/{bin,sbin,lib,lib64}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$tree/$name"; done
  for package in "$lab"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --keep-directory-symlink -C "$tree" -xf - 2>/dev/null ||
      true
  done
  release=$(basename "$tree"/lib/modules/*)
  of_tree bin/kmod -V >/dev/null
  ln -sf kmod "$tree/bin/depmod"
  (exec -a depmod "$tree/lib64/ld-linux-x86-64.so.2" --argv0 depmod --library-path "$libs" \
    "$tree/bin/kmod" -b "$tree" "$release")
  rm -f "$lab/base.cpio"
  touch "$lab/$stamp.tree"
fi
release=$(basename "$tree"/lib/modules/*)
cp "$tree/boot/vmlinuz-$release" "$lab/vmlinuz"

if [[ ! -e $lab/base.cpio ]]; then
  modules=./usr/lib/modules/$release/kernel
  (
    cd "$tree"
    {
      find . \( -path ./boot -o -path "$modules" -o -path './usr/share/doc' \
        -o -path ./usr/share/man -o -path ./usr/share/locale -o -path ./usr/share/perl \
        -o -path './usr/lib/x86_64-linux-gnu/perl*' -o -path './usr/share/qemu' \
        -o -path './usr/lib/x86_64-linux-gnu/qemu' -o -name 'qemu-*' -o -path ./usr/share/seabios \
        -o -path ./usr/share/zoneinfo -o -path './usr/share/iso-codes' -o -path ./usr/share/xml \
        -o -path './usr/lib/ipxe' -o -name 'libLLVM*' -o -path './usr/share/perl5' \
        -o -path './usr/share/alsa' -o -path './usr/lib/x86_64-linux-gnu/gconv' \
        -o -name 'libperl.so*' \) -prune -o -print
      find $modules/drivers/{usb,cdrom,scsi,net/usb,net/tun.ko,net/mii.ko,char/virtio_console.ko} \
        $modules/fs/{isofs,nls} $modules/lib $modules/net/{core,ipv4,ipv6} $modules/crypto \
        $modules/arch 2>/dev/null || true
      for folder in drivers drivers/net fs net; do echo "$modules/$folder"; done
      echo "$modules"
    } | sort -u | of_tree bin/cpio -o -H newc --quiet -R 0:0 2>/dev/null
  ) >"$lab/base.cpio.new"
  mv "$lab/base.cpio.new" "$lab/base.cpio"
fi

# On top: the program with whatever libraries it was linked against, and the scenarios.
top=$(mktemp -d "$lab/top.XXXXXX")
trap 'rm -rf "$top"' EXIT
chmod 755 "$top"
mkdir -p "$top"/{opt/modemsmith/lib,usr/bin,lab,dev,proc,sys,run,tmp,var,root,etc,mnt}
ln -s /run "$top/var/run"
cp "$binary" "$top/opt/modemsmith/modemsmith"
strip -g "$top/opt/modemsmith/modemsmith" 2>/dev/null || true
ldd "$binary" | awk '/=> \//{print $3} /^\t\/lib/{print $1}' | while read -r file; do
  cp -L "$file" "$top/opt/modemsmith/lib/"
done
cat >"$top/usr/bin/modemsmith" <<'RUN'
#!/bin/sh
exec /opt/modemsmith/lib/ld-linux-x86-64.so.2 --library-path /opt/modemsmith/lib /opt/modemsmith/modemsmith "$@"
RUN
chmod +x "$top/usr/bin/modemsmith"
cp "$here"/guest/init "$top/init"
cp -r "$here"/guest/. "$top/lab/"
chmod +x "$top/init" "$top"/lab/scenarios/*
(cd "$top" && find . | of_tree bin/cpio -o -H newc --quiet -R 0:0) >"$lab/top.cpio"
cat "$lab/base.cpio" "$lab/top.cpio" >"$lab/initrd"
