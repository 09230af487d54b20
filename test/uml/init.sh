#!/bin/sh
# The first process of the virtual machine. The host's files are the root, read-only; the host's folder $JOB, from the
# kernel's command line, brings the job (the project's folder, then program and arguments, a line each) and takes what
# comes of it.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/tmp
SLUICE_PRIVATE_NAMESPACE=1
NODE_COMPILE_CACHE=/run/job/compile-cache
export PATH HOME SLUICE_PRIVATE_NAMESPACE NODE_COMPILE_CACHE
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /dev/shm
mount -t tmpfs tmpfs /dev/shm

mkdir /run/job
mount -t hostfs -o "$JOB" hostfs /run/job
{
  read -r project
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done
} </run/job/job
# A project in /tmp has just been covered.
mkdir -p "$project"
mount -t hostfs -o "ro,$project" hostfs "$project"

# The kernel asks for modules by itself, in a folder that is not theirs on the host.
mkdir -p /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe --dirname=/run/modules "$@"\n' >/run/modules/modprobe
chmod +x /run/modules/modprobe
echo /run/modules/modprobe >/proc/sys/kernel/modprobe
# These bring settings, which nobody asks for by a module's name.
for module in br_netfilter nf_conntrack; do /run/modules/modprobe "$module"; done

ip link set lo up
cd "$project" || exit 1
"$@" </dev/null >/run/job/output 2>&1
echo $? >/run/job/exit-code
sync
# Sends the kernel home at once.
echo o >/proc/sysrq-trigger
sleep 10
