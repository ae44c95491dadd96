#!/bin/bash
# Makes what the guest boots from, and prints nothing when it is there already:
#
#   $SYSTEM/vmlinuz            Debian's full amd64 kernel: the cloud kernel has neither USB nor GPIO
#   $SYSTEM/gpio-sim-guest.ko  gpio-sim, which Debian's kernel leaves out, built from Debian's source of the same version
#   $SYSTEM/initrd             everything else, in memory: the programs of this tree and of this machine's packages that a bench needs
#
# SYSTEM=build/system B=build/dev. Packages come by apt, as any other; those of the guest alone are unpacked here, not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

system=$(realpath -m "${SYSTEM:-build/system}")
B=${B:-build/dev}
debs=$system/debs
root=$system/root
kernel_modules=(virtio_pci virtio_net virtio_console xhci_pci vhci_hcd configfs virtio_rng)

say() { echo "image: $*"; }
fail() { echo "image: $*" >&2; exit 1; }

# The kernel that the package of no version stands for; apt's lists are fetched only where they are missing.
kernel_version() {
	local name as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	name=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-6/ { print $2; exit }')
	if [ -z "$name" ]; then
		$as_root apt-get update -qq >&2
		name=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-6/ { print $2; exit }')
	fi
	[ -n "$name" ] || return 1
	echo "${name#linux-image-}"
}

# deb NAME: path of the package's file, downloaded when it is not there in the version that apt would take.
deb() {
	local version file
	version=$(apt-cache policy "$1" | awk '/Candidate:/ { print $2 }')
	file=$(find "$debs" -name "$1_${version//:/%3a}_*.deb" | head -1)
	if [ -z "$file" ]; then
		(cd "$debs" && rm -f "$1"_*.deb && apt-get download -qq "$1=$version" 2>/dev/null) || return 1
		file=$(find "$debs" -name "$1_${version//:/%3a}_*.deb" | head -1)
	fi
	[ -n "$file" ] && echo "$file"
}

# A stage is made anew when its inputs' names, versions or contents have changed: stage NAME WORDS…
made() { [ "$(cat "$system/$1.made" 2>/dev/null)" = "$2" ]; }
remember() { echo "$2" >"$system/$1.made"; }

unpack_kernel() { # VERSION
	local file
	file=$(deb "linux-image-$1") || fail "linux-image-$1: not downloaded"
	if made kernel "$file"; then return; fi
	rm -rf "$system/kernel"; mkdir -p "$system/kernel"
	dpkg-deb --fsys-tarfile "$file" | tar -x -C "$system/kernel" ./boot ./lib/modules
	depmod -b "$system/kernel" "$1"
	cp "$system/kernel/boot/vmlinuz-$1" "$system/vmlinuz"
	remember kernel "$file"
}

# gpio-sim and what it stands on, one file of which calls what modules may not.
build_gpio_sim() { # VERSION
	local source headers place=$system/gpio-sim name
	source=$(deb linux-source-6.1) || fail "linux-source-6.1: not downloaded"
	if made gpio-sim "$source $1"; then return; fi
	rm -rf "$place"; mkdir -p "$place/headers" "$place/module"
	for name in "linux-headers-$1" "linux-headers-${1%-amd64}-common" linux-kbuild-6.1; do
		dpkg-deb -x "$(deb "$name")" "$place/headers" || fail "$name: not downloaded"
	done
	headers=$place/headers/usr/src/linux-headers-$1
	sed -i "s|/usr/src/|$place/headers/usr/src/|" "$headers/Makefile"
	take_source "$source" "$place" drivers/gpio/gpio-sim.c drivers/gpio/gpiolib.h kernel/irq/irq_sim.c
	sed -i 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq_safe(\1);/' "$place/module/irq_sim.c"
	printf 'obj-m := gpio-sim-guest.o\ngpio-sim-guest-y := gpio-sim.o irq_sim.o\n' >"$place/module/Makefile"
	make -C "$headers" M="$place/module" modules >"$system/gpio-sim.log" 2>&1 || fail "gpio-sim was not built: $system/gpio-sim.log"
	strip --strip-debug -o "$system/gpio-sim-guest.ko" "$place/module/gpio-sim-guest.ko"
	remember gpio-sim "$source $1"
}

# take_source DEB DIR FILE…: of the kernel's source only these; tar ends, and with it the pipe, when it has them.
take_source() {
	local source=$1 place=$2 file; shift 2
	dpkg-deb --fsys-tarfile "$source" 2>/dev/null | tar -xO ./usr/src/linux-source-6.1.tar.xz 2>/dev/null | xz -dc 2>/dev/null |
		tar -x -C "$place" --occurrence=1 "${@/#/linux-source-6.1/}" || true
	for file; do cp "$place/linux-source-6.1/$file" "$place/module/" || fail "$file: not in the kernel's source"; done
}

# take FILE…: files and directories of this machine, at the same places, with the libraries that programs among them load.
take() {
	local file
	for file; do
		mkdir -p "$root$(dirname "$file")"
		cp -a --no-clobber "$file" "$root$(dirname "$file")/"
		[ ! -L "$file" ] || take "$(realpath "$file")"
	done
}

libraries() { # of every ELF in the root
	{ find "$root" -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>/dev/null || true; } | # scripts among them are no programs
		awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }' | sort -u
}

userland() {
	local library
	take /usr/bin/{bash,busybox,env,opensc-tool,openssl,pkcs15-init,pkcs15-tool,pkcs11-tool,gpioget,gpioset,gpioinfo,socat,sqlite3}
	take /usr/sbin/pcscd /usr/lib/pcsc /usr/lib/udev/rules.d/92-libccid.rules /etc/libccid_Info.plist
	take /usr/lib/x86_64-linux-gnu/{opensc-pkcs11.so,pkcs11,libpcsclite.so.1,libgcc_s.so.1,ossl-modules} /usr/share/opensc /etc/opensc /etc/ssl/openssl.cnf /usr/lib/ssl
	take /etc/fonts /usr/share/fontconfig /usr/share/fonts/opentype/noto/NotoSansCJK-{Regular,Bold}.ttc /usr/share/fonts/truetype/hanazono
	take /usr/share/zoneinfo/Asia/Shanghai /usr/share/zoneinfo/UTC /usr/lib/locale/C.utf8
	libraries | while read -r library; do take "$library"; done
	fc-cache --sysroot "$root" >/dev/null
}

# What the guest has and this machine need not: udev and usbip.
guest_packages() {
	local name
	for name in udev usbip; do
		dpkg-deb --fsys-tarfile "$(deb "$name")" | tar -x -C "$root" --exclude='*/hwdb.d/*' --exclude='./usr/share/doc' --exclude='./usr/share/man' --keep-directory-symlink
	done
}

modules() { # VERSION
	local name number file
	mkdir -p "$root/guest/modules"
	for name in "${kernel_modules[@]}"; do modprobe -d "$system/kernel" -S "$1" --show-depends "$name"; done |
		awk '$1 == "insmod" && !seen[$2]++ { printf "%02d %s\n", n++, $2 }' | while read -r number file; do
			cp "$file" "$root/guest/modules/$number-${file##*/}"
		done
	cp "$system/gpio-sim-guest.ko" "$root/guest/modules/90-gpio-sim-guest.ko"
}

ours() {
	local name
	mkdir -p "$root/mint/programs" "$root/mint/run/log"
	cp -a data "$root/mint/"
	# QEMU's reader knows no protocol but T=0: the virtual token's ATR there offers it (vtoken --atr), and is a MyEID's by its name.
	sed -i "s|^atr = {|&\n\t\"$(sed 's/../& /g; s/ $//' tests/system/atr)\",|" "$root/mint/data/models/myeid.conf"
	for name in mintd mint-queue mint-worker mint-ca mint-bench mint-label mint-api mintctl; do cp "$B/$name" "$root/mint/programs/"; done
	cp tests/system/guest/* "$root/guest/"
	ln -s guest/init.sh "$root/init"
}

make_root() { # VERSION
	rm -rf "$root"
	mkdir -p "$root"/{dev,guest,proc,sys,run,tmp,root,usr/bin,usr/sbin,usr/lib,usr/lib64,etc,var}
	ln -s ../run "$root/var/run"
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
	printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
	printf 'root:x:0:\n' >"$root/etc/group"
	guest_packages
	ours
	userland
	modules "$1"
	busybox --list | while read -r name; do
		[ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
	done
}

main() {
	local version inputs
	mkdir -p "$debs"
	version=$(kernel_version) || fail "apt knows no linux-image-amd64"
	unpack_kernel "$version"
	build_gpio_sim "$version"
	inputs=$(cat "$0" tests/system/atr data/models/myeid.conf tests/system/guest/* "$B"/mint* "$system"/*.made "$(deb udev)" "$(deb usbip)" | sha256sum)
	if made initrd "$inputs"; then return; fi
	make_root "$version"
	(cd "$root" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet) >"$system/initrd"
	remember initrd "$inputs"
	say "kernel $version, initrd $(( $(stat -c %s "$system/initrd") / 1000000 )) MB"
}

main
