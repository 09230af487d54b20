#!/bin/sh
# The first thing that the kernel starts, from the archive beside it, because it has no file system for the host's files yet:
# brings that, makes the host's files the root, and goes on with the program $INIT from there.
for module in /modules/*; do /insmod "$module"; done
/mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /root
/mount -t devtmpfs devtmpfs /root/dev
exec /switch_root /root "$INIT"
