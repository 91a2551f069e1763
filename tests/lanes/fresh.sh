#!/bin/sh
# Proves that a clone is all one needs: makes a bare Debian 12 (no compiler, no make, nothing), clones the commit that is
# checked out here into it, and in there runs ./dev run and ./dev check.
#
#   tests/lanes/fresh.sh [SUITE...]       as root, with mmdebstrap and git; without a SUITE all of them are checked
#
# The bare system takes its packages from where this one does. It is cached as build/cache/bare.tar: remove that to get a
# newer one. What ./dev installs is fetched every time, that being the point.
#
# Mounts are made in a mount namespace of their own and go when the last process does.

set -eu

die() {
	echo "fresh: $*" >&2
	exit 1
}

say() { echo "fresh: $*" >&2; }

# ---- outside ------------------------------------------------------------------------------------------------------------

# Debian's own sources only: another's key would not be in there.
debian_sources() {
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian*.sources; do
		[ ! -s "$file" ] || echo "$file"
	done
}

make_bare() {
	[ ! -e "$cache/bare.tar" ] || return 0
	say 'making a bare Debian'
	# How apt reaches the packages here, it does in there.
	# shellcheck disable=SC2016,SC2046 # mmdebstrap's shell expands $1; the sources are a list
	mmdebstrap --quiet --variant=minbase \
		--setup-hook='mkdir -p "$1/etc/apt" && cp -r /etc/apt/apt.conf.d "$1/etc/apt"' \
		bookworm "$cache/bare.new.tar" $(debian_sources) </dev/null >&2
	mv "$cache/bare.new.tar" "$cache/bare.tar"
}

make_root() {
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	tar -C "$root" -xf "$cache/bare.tar"
	cp /etc/resolv.conf /etc/hosts "$root/etc"
	git clone -q --no-hardlinks "$top" "$root/kvshim"
	say "cloned $(git -C "$root/kvshim" log -1 --format='%h %s')"
}

# ---- in namespaces of its own: mount, then take the new root ------------------------------------------------------------------

enter() {
	root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for node in null zero full random urandom tty kvm; do
		[ -e "/dev/$node" ] || continue
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	cp "$0" "$root/fresh.sh"
	# Not chroot: the kernel lets nobody make a user namespace in one, and jails need that.
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l old
	exec /bin/sh /fresh.sh --inside "$@"
}

# ---- inside -------------------------------------------------------------------------------------------------------------

inside() {
	cd /kvshim
	for tool in cc make meson ninja git; do
		! command -v "$tool" || die "this is no bare system"
	done
	say './dev run'
	./dev run
	say './dev run, again and without a network'
	unshare -n ./dev run
	say './dev check'
	./dev check "$@"
}

# -------------------------------------------------------------------------------------------------------------------------

case ${1-} in
--enter) shift; enter "$@" ;;
--inside) shift; inside "$@"; exit ;;
esac

[ "$(id -u)" -eq 0 ] || die 'making a root and mounting into it needs root'
for tool in mmdebstrap git; do
	command -v "$tool" >/dev/null || die "needs the package $tool"
done
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=$top/build/cache
root=$top/build/fresh
mkdir -p "$cache"
make_bare
make_root
status=0
# Nothing of this machine's environment but the way to the network.
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM-dumb}" \
	${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} \
	${KVSHIM_REQUIRE:+"KVSHIM_REQUIRE=$KVSHIM_REQUIRE"} ${KVSHIM_ALLOW_SKIP:+"KVSHIM_ALLOW_SKIP=$KVSHIM_ALLOW_SKIP"} \
	unshare --mount --propagation private --pid --fork --kill-child \
	"$here/fresh.sh" --enter "$root" "$@" || status=$?
[ "$status" -eq 0 ] || { say "failed; the system is left in $root"; exit "$status"; }
rm -rf --one-file-system "$root"
say 'a bare Debian and the clone are enough'
