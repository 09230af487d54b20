#!/bin/sh
# The first process of a virtual machine. The host's files are the root, read-only. From the kernel's command line come
#   JOB      the host's folder with the job (the project's folder, then program and arguments, a line each); it takes what
#            comes of it
#   MODULES  the host's folder with the kernel's modules, one folder per version
#   SHARE    how the host shares folders: hostfs, by path; 9p, under the names job and project
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/tmp
SLUICE_PRIVATE_NAMESPACE=1
NODE_COMPILE_CACHE=/run/job/compile-cache
export PATH HOME SLUICE_PRIVATE_NAMESPACE NODE_COMPILE_CACHE

# share name path read-write|read-only where
share() {
  mkdir -p "$4"
  case $SHARE,$3 in
    hostfs,read-write) mount -t hostfs -o "$2" hostfs "$4" ;;
    hostfs,read-only) mount -t hostfs -o "ro,$2" hostfs "$4" ;;
    9p,read-write) mount -t 9p -o trans=virtio,version=9p2000.L "$1" "$4" ;;
    # The host's files stay as they are.
    9p,read-only) mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose "$1" "$4" ;;
  esac
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /dev/shm
mount -t tmpfs tmpfs /dev/shm

share job "$JOB" read-write /run/job
{
  read -r project
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done
} </run/job/job
# A project in /tmp has just been covered.
share project "$project" read-only "$project"

# The kernel asks for modules by itself, in a folder that is not theirs on the host.
mkdir -p /run/modules/lib
ln -s "$MODULES" /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe --dirname=/run/modules "$@"\n' >/run/modules/modprobe
chmod +x /run/modules/modprobe
echo /run/modules/modprobe >/proc/sys/kernel/modprobe
# These bring settings, which nobody asks for by a module's name.
for module in br_netfilter nf_conntrack; do /run/modules/modprobe "$module"; done

mkfifo /run/never
ip link set lo up
cd "$project" || exit 1
"$@" </dev/null >/run/job/output 2>&1
echo $? >/run/job/exit-code
sync
# Sends the kernel home, which takes a moment, without files to run anything from.
echo o >/proc/sysrq-trigger
read -r _ </run/never
